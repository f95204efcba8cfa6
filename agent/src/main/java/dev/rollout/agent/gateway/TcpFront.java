package dev.rollout.agent.gateway;

import dev.rollout.agent.model.ProxyProtocol;
import io.netty.channel.Channel;
import java.util.List;

/** Takes the connections of a port on one event loop, and ties each to a connection to a target. */
final class TcpFront extends Front {
    TcpFront(Port port, String host, int bound, Loop.Place place) {
        super(port, host, bound, place);
    }

    @Override
    List<String> protocols() {
        return List.of();
    }

    @Override
    void serve(Channel here) {
        port().requests.increment();
        Tie tie = new Tie(port(), here, false, () -> {});
        take(tie, here, 0);
    }

    private void take(Tie tie, Channel here, int failures) {
        port().takeOrWait(here.eventLoop(), target -> {
            if (target == null) {
                refuse(here);
            } else {
                connect(tie, here, target, failures);
            }
        });
    }

    private void connect(Tie tie, Channel here, Target target, int failures) {
        loop().connect(target.address)
                .onSuccess(there -> {
                    target.reached();
                    ProxyProtocol told = target.backend.proxyProtocol();
                    if (told != null) {
                        ProxyHeader.write(told, here, port().route().port(), there);
                    }
                    tie.join(target, there);
                })
                .onFailure(e -> {
                    target.eject();
                    port().done(target);
                    unreached(tie, here, target, failures + 1);
                });
    }

    /** Another target may have it at once, and any when there is one again. */
    private void unreached(Tie tie, Channel here, Target target, int failures) {
        Target other = failures == 1 ? port().take(target) : null;
        if (other != null) {
            port().retries.increment();
            connect(tie, here, other, failures);
            return;
        }
        boolean waits = here.isActive()
                && port().later(here.eventLoop(), target, failures == 2, () -> {
                    if (here.isActive()) {
                        take(tie, here, failures);
                    }
                });
        if (!waits) {
            refuse(here);
        }
    }

    private void refuse(Channel here) {
        port().errors.increment();
        here.close();
    }
}
