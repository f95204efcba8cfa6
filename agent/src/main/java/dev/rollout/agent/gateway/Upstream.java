package dev.rollout.agent.gateway;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequestEncoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A connection to an instance, with one call at a time. */
final class Upstream extends ChannelInboundHandlerAdapter {
    final Target target;
    private @Nullable ChannelHandlerContext ctx;
    private @Nullable Call call;
    private boolean passing; // an answer that is not yet the answer
    private long idleSince = System.nanoTime();

    Upstream(Target target) {
        this.target = target;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        ctx = added;
    }

    private ChannelHandlerContext ctx() {
        return Objects.requireNonNull(ctx);
    }

    /** Whether a call may begin here: it is open, and has not been idle for so long that its instance may just close it. */
    boolean fresh(long idleNanos) {
        return channel().isActive() && System.nanoTime() - idleSince < idleNanos;
    }

    void begin(Call begun) {
        call = begun;
    }

    /** Whether the answer that comes has no body, whatever its head says. */
    boolean headOnly() {
        return call != null && call.headOnly();
    }

    /** Idle again. */
    void free() {
        call = null;
        idleSince = System.nanoTime();
        takes(true);
    }

    void write(HttpObject part) {
        ctx().write(part).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    void flush() {
        ctx().flush();
    }

    /** Says that nothing more comes; the answer may. */
    void end() {
        ctx().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(flushed -> {
            if (channel() instanceof DuplexChannel duplex) {
                duplex.shutdownOutput();
            }
        });
    }

    boolean writable() {
        return channel().isWritable();
    }

    /** Whether its answer can go on to the client. */
    void takes(boolean now) {
        if (channel().config().isAutoRead() != now) {
            channel().config().setAutoRead(now);
        }
    }

    void close() {
        call = null;
        channel().close();
    }

    Channel channel() {
        return ctx().channel();
    }

    /** The connection is no HTTP from now on: what was read already goes to the handlers that come next. */
    void leave() {
        call = null;
        ChannelPipeline pipeline = ctx().pipeline();
        pipeline.remove(this);
        pipeline.remove(HttpRequestEncoder.class);
        pipeline.remove(AnswerDecoder.class);
    }

    @Override
    public void channelRead(ChannelHandlerContext on, Object message) {
        Call now = call;
        if (now == null) {
            ReferenceCountUtil.release(message);
            on.channel().close(); // nobody has asked
            return;
        }
        if (!(message instanceof HttpObject part) || part.decoderResult().isFailure()) {
            ReferenceCountUtil.release(message);
            now.broken(new IOException("its answer is no HTTP"));
            return;
        }
        if (part instanceof HttpResponse answer) {
            passing = answer.status().codeClass() == HttpStatusClass.INFORMATIONAL;
            if (answer.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS)) {
                now.upgrade(answer);
            } else if (passing) {
                now.hint(answer);
            } else {
                now.answer(answer);
            }
        }
        if (part instanceof HttpContent content) {
            if (passing) {
                content.release();
            } else {
                now.answerBody(content);
            }
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext on) {
        if (call != null) {
            call.flushAnswer();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext on) {
        if (call != null) {
            call.targetTakes(on.channel().isWritable());
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext on) {
        Call now = call;
        call = null;
        if (now != null) {
            now.broken(new IOException("it closed the connection"));
        }
        on.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext on, Throwable cause) {
        Call now = call;
        close();
        if (now != null) {
            now.broken(cause);
        }
    }
}
