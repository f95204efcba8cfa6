package dev.rollout.agent.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpMessage;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The requests of one client in their order, one at a time: those of a connection, or the one of a stream of HTTP/2. */
final class Requests extends ChannelInboundHandlerAdapter {
    private static final long LINGER_MILLIS = 1000;

    private final HttpFront front;
    private final Peer peer;
    private final boolean stream;
    private final Queue<HttpObject> later = new ArrayDeque<>();
    private @Nullable ChannelHandlerContext ctx;
    private @Nullable Call call;
    private boolean coming; // the rest of a request, answered or not
    private boolean turning;
    private boolean full; // the target takes no more for now
    private boolean closing;
    private boolean ended; // its client will say no more, and may yet listen

    /** @param stream whether this is one of the streams of an HTTP/2 connection, and not a connection */
    Requests(HttpFront front, Peer peer, boolean stream) {
        this.front = front;
        this.peer = peer;
        this.stream = stream;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        ctx = added;
    }

    private ChannelHandlerContext ctx() {
        return Objects.requireNonNull(ctx);
    }

    Channel channel() {
        return ctx().channel();
    }

    EventLoop loop() {
        return channel().eventLoop();
    }

    Peer peer() {
        return peer;
    }

    boolean isStream() {
        return stream;
    }

    /** Whether the next answer has no body, whatever its head says. */
    boolean headOnly() {
        return call != null && call.headOnly();
    }

    @Override
    public void channelRead(ChannelHandlerContext on, Object message) {
        if (closing || !(message instanceof HttpObject part)) {
            ReferenceCountUtil.release(message);
            return;
        }
        later.add(part);
        turn();
    }

    /** Goes on as far as it can: what comes before its turn waits, also for a client that does not take its answers. */
    private void turn() {
        if (turning) {
            return;
        }
        turning = true;
        while (!closing && (coming || call == null && channel().isWritable()) && !later.isEmpty()) {
            take(later.remove());
        }
        turning = false;
        settle();
        read();
    }

    /** With the client's end: what it has asked is answered still; half a request is none. */
    private void settle() {
        if (!ended || !later.isEmpty()) {
            return;
        }
        if (call == null || coming) {
            takeNoMore();
            ctx().writeAndFlush(Unpooled.EMPTY_BUFFER)
                    .addListener(ChannelFutureListener.CLOSE); // after what is said already
        } else {
            call.clientEnded();
        }
    }

    private void take(HttpObject part) {
        if (!stream && part instanceof HttpRequest request && Http2.isAskedFor(request)) {
            channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false); // a stream has an end of its own
            Http2.upgrade(ctx(), request, () -> new Requests(front, peer, true), this::leave);
            return;
        }
        if (part instanceof HttpRequest request) {
            coming = true;
            begin(request);
        }
        if (part instanceof HttpContent content) {
            coming = !(content instanceof LastHttpContent);
            if (call == null) {
                content.release(); // of a request that is answered already
            } else if (part.decoderResult().isFailure()) {
                content.release();
                call.end(HttpResponseStatus.BAD_REQUEST, "the body is no HTTP", true);
            } else {
                call.body(
                        content instanceof FullHttpMessage full ? new DefaultLastHttpContent(full.content()) : content);
            }
        }
    }

    private void begin(HttpRequest request) {
        front.port().requests.increment();
        HttpResponseStatus refusal = Heads.refusal(request);
        HttpRequest head = request instanceof FullHttpMessage // its end is passed on by itself
                ? new DefaultHttpRequest(request.protocolVersion(), request.method(), request.uri(), request.headers())
                : request;
        Call begun = new Call(front, this, head);
        call = begun;
        if (refusal == null) {
            begun.begin();
        } else {
            begun.end(refusal, "not understood", true);
        }
    }

    /** The target takes no more of the body for now, or does again. */
    void full(boolean now) {
        full = now;
        read();
    }

    private void read() {
        boolean wanted = closing || later.isEmpty() && !full;
        if (!ended && channel().config().isAutoRead() != wanted) {
            channel().config().setAutoRead(wanted);
        }
    }

    /** Says that the body may come, where a client waits for that. */
    void invite() {
        ctx().writeAndFlush(new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, ctx().alloc().buffer(0)));
    }

    void write(HttpObject part) {
        ctx().write(part).addListener(ChannelFutureListener.CLOSE_ON_FAILURE); // one that cannot be said is cut
    }

    void flush() {
        ctx().flush();
    }

    /** The end of an answer; with it the turn is the next request's. */
    void finish(LastHttpContent end, boolean close) {
        ChannelFuture written = ctx().writeAndFlush(end);
        over(close, written);
    }

    /** An answer of the gateway's own. */
    void answer(HttpResponseStatus status, String words, boolean close) {
        ByteBuf text = ByteBufUtil.writeUtf8(ctx().alloc(), words + "\n");
        FullHttpResponse own = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, text);
        own.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.TEXT_PLAIN)
                .setInt(HttpHeaderNames.CONTENT_LENGTH, text.readableBytes());
        if (close && !stream) {
            own.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
        over(close, ctx().writeAndFlush(own));
    }

    private void over(boolean close, ChannelFuture written) {
        call = null;
        full = false;
        if (close && (!stream || coming)) {
            takeNoMore();
            written.addListener(done -> close());
            read();
        } else {
            written.addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
            turn();
        }
    }

    private void takeNoMore() {
        closing = true;
        later.forEach(ReferenceCountUtil::release);
        later.clear();
    }

    /** A client that is still sending would lose the answer to a reset: it is told of the end, and heard out for a while. */
    private void close() {
        if (!coming || ended || stream || !channel().isActive()) {
            channel().close();
            return;
        }
        if (channel() instanceof DuplexChannel plain && !peer.secure()) {
            plain.shutdownOutput();
        }
        loop().schedule(() -> channel().close(), LINGER_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** An answer that has begun is broken off, and its client sees that it is not whole. */
    void cut() {
        call = null;
        closing = true;
        channel().close();
    }

    /** Whether its client has gone on already, before the answer. */
    boolean hasMore() {
        return coming || !later.isEmpty();
    }

    /** The connection is not HTTP/1.1 from now on: what was read already goes to the handlers that come next. */
    void leave() {
        call = null;
        ChannelPipeline pipeline = ctx().pipeline();
        pipeline.remove(this);
        pipeline.remove(AnswerEncoder.class);
        pipeline.remove(StrictDecoder.class);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext on) {
        if (call != null) {
            call.flush();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext on) {
        if (call != null) {
            call.clientTakes(on.channel().isWritable());
        }
        turn();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext on, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            ended = true;
            settle();
        }
        on.fireUserEventTriggered(event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext on) {
        takeNoMore();
        if (call != null) {
            call.abandon();
            call = null;
        }
        on.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext on, Throwable cause) {
        if (stream) {
            Http2.reset(on.channel(), cause);
        } else {
            on.channel().close(); // it was reset; its end is told as such
        }
    }
}
