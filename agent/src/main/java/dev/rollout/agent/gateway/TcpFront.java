package dev.rollout.agent.gateway;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.NetSocket;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Takes the connections of a port on one event loop, and ties each to a connection to a target. */
final class TcpFront extends VerticleBase {
    private static final int CONNECT_MILLIS = 2000;
    private static final int BACKLOG = 4096;

    private final Port port;
    private final String host;
    private final int bound;
    private NetClient client;

    @SuppressWarnings("NullAway.Init") // start() makes the client before anything is asked
    TcpFront(Port port, String host, int bound) {
        this.port = port;
        this.host = host;
        this.bound = bound;
    }

    @Override
    public Future<?> start() {
        client = vertx.createNetClient(
                new NetClientOptions().setConnectTimeout(CONNECT_MILLIS).setTcpNoDelay(true));
        NetServerOptions options = new NetServerOptions()
                .setAcceptBacklog(BACKLOG)
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true);
        Certificates certificates = new Certificates(port.route().policy().tls(), List.of());
        certificates.use(options);
        NetServer server = vertx.createNetServer(options).connectHandler(this::handle);
        return server.listen(bound, host)
                .onSuccess(listening -> certificates.watch(vertx, fresh -> server.updateSSLOptions(fresh, true)));
    }

    private void handle(NetSocket here) {
        port.requests.increment();
        port.connections.incrementAndGet();
        AtomicBoolean gone = new AtomicBoolean();
        here.closeHandler(closed -> {
            gone.set(true);
            port.connections.decrementAndGet();
        });
        here.pause();
        port.takeOrWait().onSuccess(target -> connect(here, gone, target, true)).onFailure(none -> {
            port.errors.increment();
            here.close();
        });
    }

    private void connect(NetSocket here, AtomicBoolean gone, Target target, boolean first) {
        client.connect(target.address)
                .onSuccess(there -> {
                    if (gone.get()) { // a socket that has closed tells nobody any more
                        port.done(target);
                        there.close();
                    } else {
                        tie(here, there, target);
                    }
                })
                .onFailure(e -> {
                    target.eject();
                    port.done(target);
                    Target other = first ? port.take(target) : null;
                    if (other != null) {
                        port.retries.increment();
                        connect(here, gone, other, false);
                    } else {
                        port.errors.increment();
                        here.close();
                    }
                });
    }

    private void tie(NetSocket here, NetSocket there, Target target) {
        there.pause();
        new Tie(context, port, target, here, there, false).tie(port.connections::decrementAndGet);
    }
}
