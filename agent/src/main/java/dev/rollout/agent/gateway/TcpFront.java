package dev.rollout.agent.gateway;

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
        here.config().setAutoRead(false); // what it says can wait where it is until there is somebody to hear it
        Tie tie = new Tie(port(), here, false, () -> {});
        port().takeOrWait(here.eventLoop(), target -> {
            if (target == null) {
                refuse(here);
            } else {
                connect(tie, here, target, true);
            }
        });
    }

    private void connect(Tie tie, Channel here, Target target, boolean first) {
        loop().connect(target.address)
                .onSuccess(there -> tie.join(target, there))
                .onFailure(e -> {
                    target.eject();
                    port().done(target);
                    Target other = first ? port().take(target) : null;
                    if (other != null) {
                        port().retries.increment();
                        connect(tie, here, other, false);
                    } else {
                        refuse(here);
                    }
                });
    }

    private void refuse(Channel here) {
        port().errors.increment();
        here.close();
    }
}
