package dev.rollout.agent.gateway;

import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.NetSocket;
import java.util.List;
import java.util.function.Supplier;

/**
 * Takes the HTTP requests of a port on one event loop, and sends each to a target on a connection of that loop.
 *
 * <p>Vert.x listens, secures and connects; what is read and written is left to Netty's codecs and to handlers beside them,
 * since a request through Vert.x's own server and client costs about twice as much.
 */
final class HttpFront extends VerticleBase {
    static final int HEAD_BYTES = 64 * 1024;
    private static final int BACKLOG = 4096;
    /** The name of Vert.x's own handler, which sees what the ones before it leave. */
    static final String LAST = "handler";

    private static final HttpDecoderConfig CONFIG = new HttpDecoderConfig()
            .setMaxInitialLineLength(HEAD_BYTES)
            .setMaxHeaderSize(HEAD_BYTES)
            .setMaxChunkSize(HEAD_BYTES);

    private final Port port;
    private final String host;
    private final int bound;
    private Upstreams upstreams;

    /** @param bound the port to listen on: the published one, or the one that connections are redirected to */
    @SuppressWarnings("NullAway.Init") // start() makes them before anything is asked
    HttpFront(Port port, String host, int bound) {
        this.port = port;
        this.host = host;
        this.bound = bound;
    }

    @Override
    public Future<?> start() {
        upstreams = new Upstreams(vertx, context, CONFIG);
        NetServerOptions options = new NetServerOptions()
                .setAcceptBacklog(BACKLOG)
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true); // a client that has disappeared is noticed in the end
        Certificates certificates = new Certificates(port.route().policy().tls(), List.of(Http2.SECURE, "http/1.1"));
        certificates.use(options);
        NetServer server = vertx.createNetServer(options).connectHandler(this::serve);
        return server.listen(bound, host)
                .onSuccess(listening -> certificates.watch(vertx, fresh -> server.updateSSLOptions(fresh, true)));
    }

    Port port() {
        return port;
    }

    Upstreams upstreams() {
        return upstreams;
    }

    private void serve(NetSocket connection) {
        NetSocketInternal socket = (NetSocketInternal) connection;
        ChannelPipeline pipeline = socket.channelHandlerContext().pipeline();
        port.connections.incrementAndGet();
        pipeline.channel().closeFuture().addListener(gone -> port.connections.decrementAndGet());
        Supplier<Requests> stream = () -> new Requests(this, socket, true);
        Runnable http2 = () -> Http2.speak(pipeline, LAST, stream);
        if (!socket.isSsl()) {
            pipeline.addBefore(LAST, null, new Http2.Detector(http2, () -> http1(pipeline, socket)));
        } else if (Http2.SECURE.equals(socket.applicationLayerProtocol())) {
            http2.run();
        } else {
            http1(pipeline, socket);
        }
    }

    private void http1(ChannelPipeline pipeline, NetSocketInternal socket) {
        Requests requests = new Requests(this, socket, false);
        pipeline.addBefore(LAST, null, new StrictDecoder(CONFIG))
                .addBefore(LAST, null, new AnswerEncoder(requests))
                .addBefore(LAST, null, requests);
    }
}
