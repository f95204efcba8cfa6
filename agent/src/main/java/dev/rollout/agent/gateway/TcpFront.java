package dev.rollout.agent.gateway;

import io.netty.channel.Channel;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.NetSocket;
import java.util.List;

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

    private void handle(NetSocket socket) {
        Channel here = channel(socket);
        port.requests.increment();
        port.connections.incrementAndGet();
        here.closeFuture().addListener(gone -> port.connections.decrementAndGet());
        Tie tie = new Tie(port, here, false, () -> {});
        port.takeOrWait(here.eventLoop(), target -> {
            if (target == null) {
                refuse(here);
            } else {
                connect(tie, here, target, true);
            }
        });
    }

    private static Channel channel(NetSocket socket) {
        return ((NetSocketInternal) socket).channelHandlerContext().channel();
    }

    private void connect(Tie tie, Channel here, Target target, boolean first) {
        context.runOnContext(now -> client.connect(target.address)
                .onSuccess(there -> tie.join(target, channel(there)))
                .onFailure(e -> {
                    target.eject();
                    port.done(target);
                    Target other = first ? port.take(target) : null;
                    if (other != null) {
                        port.retries.increment();
                        connect(tie, here, other, false);
                    } else {
                        refuse(here);
                    }
                }));
    }

    private void refuse(Channel here) {
        port.errors.increment();
        here.close();
    }
}
