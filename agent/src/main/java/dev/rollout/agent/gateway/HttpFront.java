package dev.rollout.agent.gateway;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.Future;
import java.util.List;
import java.util.function.Supplier;

/**
 * Takes the HTTP requests of a port on one event loop, and sends each to a target on a connection of that loop.
 *
 * <p>What is read and written is left to Netty's codecs and to handlers beside them, since a request through Vert.x's own
 * server and client costs about twice as much.
 */
final class HttpFront extends Front {
    static final int HEAD_BYTES = 64 * 1024;

    private static final HttpDecoderConfig CONFIG = new HttpDecoderConfig()
            .setMaxInitialLineLength(HEAD_BYTES)
            .setMaxHeaderSize(HEAD_BYTES)
            .setMaxChunkSize(HEAD_BYTES);

    private Upstreams upstreams;

    @SuppressWarnings("NullAway.Init") // start() makes them before anything is asked
    HttpFront(Port port, String host, int bound, Loop.Place place) {
        super(port, host, bound, place);
    }

    @Override
    public Future<?> start() {
        Future<?> listening = super.start();
        upstreams = new Upstreams(vertx, loop(), CONFIG); // on the loop that a connection would come by
        return listening;
    }

    Upstreams upstreams() {
        return upstreams;
    }

    @Override
    List<String> protocols() {
        return List.of(Http2.SECURE, "http/1.1");
    }

    @Override
    void serve(Channel connection) {
        ChannelPipeline pipeline = connection.pipeline();
        Peer peer = Peer.of(connection);
        Supplier<Requests> stream = () -> new Requests(this, peer, true);
        Runnable http2 = () -> Http2.speak(pipeline, stream);
        if (!peer.secure()) {
            pipeline.addLast(new Http2.Detector(http2, () -> http1(pipeline, peer)));
        } else if (Http2.SECURE.equals(pipeline.get(SslHandler.class).applicationProtocol())) {
            http2.run();
        } else {
            http1(pipeline, peer);
        }
    }

    private void http1(ChannelPipeline pipeline, Peer peer) {
        Requests requests = new Requests(this, peer, false);
        pipeline.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, !peer.secure()); // TLS ends as a whole
        pipeline.addLast(new StrictDecoder(CONFIG), new AnswerEncoder(requests), requests);
    }
}
