package dev.rollout.agent.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.CodecException;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ServerUpgradeCodec;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** HTTP/2 on a client's connection, where the client asks for it: each of its streams is served like a connection. */
final class Http2 {
    /** As it is named in TLS. */
    static final String SECURE = "h2";
    /** As it is named in an Upgrade of HTTP/1.1. */
    static final String CLEAR = "h2c";

    private static final AttributeKey<Boolean> LEFT = AttributeKey.valueOf(Http2.class, "left");
    private static final int MOST_STREAMS = 100;
    private static final long NOTICE_MILLIS = 1000;

    private Http2() {}

    private static Http2FrameCodec codec() {
        Http2FrameCodecBuilder builder = Http2FrameCodecBuilder.forServer();
        builder.validateRequiredPseudoHeaders(true)
                .initialSettings()
                .maxConcurrentStreams(MOST_STREAMS)
                .maxHeaderListSize(HttpFront.HEAD_BYTES);
        return builder.build();
    }

    private static ChannelHandler streams(Supplier<Requests> requests) {
        return new Http2MultiplexHandler(new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel stream) {
                stream.pipeline().addLast(new Http2StreamFrameToHttpObjectCodec(true), requests.get());
            }
        });
    }

    /** Serves the connection so from its first byte on. */
    static void speak(ChannelPipeline pipeline, Supplier<Requests> requests) {
        pipeline.addLast(codec(), streams(requests), new Sink());
    }

    /**
     * No new streams after those that are there: the client connects anew. What it has begun before it hears of that is
     * served too, and the connection ends with the last of its streams.
     */
    static void leave(Channel stream) {
        Channel connection = stream.parent();
        if (connection.attr(LEFT).getAndSet(true) == null) {
            Http2GoAwayFrame notice = new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR);
            notice.setExtraStreamIds(Integer.MAX_VALUE);
            connection.writeAndFlush(notice);
            connection.eventLoop().schedule(() -> connection.close(), NOTICE_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** Ends a stream for what its client has done to it. An error that HTTP/2 has found itself has its answer already. */
    static void reset(Channel stream, Throwable cause) {
        if (!(cause instanceof Http2Exception)) {
            stream.writeAndFlush(new DefaultHttp2ResetFrame(
                            cause instanceof CodecException ? Http2Error.PROTOCOL_ERROR : Http2Error.INTERNAL_ERROR))
                    .addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** What concerns the connection alone. */
    private static final class Sink extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object frame) {
            ReferenceCountUtil.release(frame);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }

    /** Looks at the first bytes of a connection: whoever knows that HTTP/2 is spoken here begins with it. */
    static final class Detector extends ByteToMessageDecoder {
        private static final ByteBuf PREFACE = Http2CodecUtil.connectionPrefaceBuf();
        private final Runnable spoken;
        private final Runnable other;

        Detector(Runnable spoken, Runnable other) {
            this.spoken = spoken;
            this.other = other;
        }

        @Override
        protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
            int most = Math.min(in.readableBytes(), PREFACE.readableBytes());
            boolean may = ByteBufUtil.equals(in, in.readerIndex(), PREFACE, PREFACE.readerIndex(), most);
            if (!may || most == PREFACE.readableBytes()) {
                (may ? spoken : other).run();
                ctx.pipeline().remove(this); // what it has read goes on to them
            }
        }
    }

    /** Whether a request of HTTP/1.1 would rather be one of HTTP/2. One with a body is answered as it is. */
    static boolean isAskedFor(HttpRequest request) {
        HttpHeaders headers = request.headers();
        return headers.contains(HttpHeaderNames.UPGRADE, CLEAR, true)
                && headers.contains(Http2CodecUtil.HTTP_UPGRADE_SETTINGS_HEADER)
                && !headers.contains(HttpHeaderNames.CONTENT_LENGTH)
                && !headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
                && !(request instanceof FullHttpRequest); // it has been tried
    }

    /**
     * Answers such a request, and the connection speaks HTTP/2 from then on.
     *
     * @param old what speaks HTTP/1.1 there
     * @param removeOld takes that out
     */
    static void upgrade(
            ChannelHandlerContext old, HttpRequest request, Supplier<Requests> requests, Runnable removeOld) {
        HttpServerUpgradeHandler upgrade = new HttpServerUpgradeHandler(
                gone -> removeOld.run(),
                protocol -> CLEAR.contentEquals(protocol)
                        ? new Http2ServerUpgradeCodec(codec(), streams(requests), new Sink())
                        : null,
                HttpFront.HEAD_BYTES);
        old.pipeline().addBefore(old.name(), null, upgrade);
        try {
            upgrade.channelRead(old.pipeline().context(upgrade), request);
        } catch (Exception e) {
            old.channel().close();
        }
    }
}
