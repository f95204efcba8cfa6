package dev.rollout.agent.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Two connections of one event loop that are one: bytes go both ways as they are, with back-pressure, and counted. An end of
 * one direction is passed on as such, since the other may go on for long; when one connection is gone the other is closed.
 */
final class Tie implements Exchange {
    /** Pieces; who speaks first mostly says one. */
    private static final int EARLY = 2;

    private final Port port;
    private final Channel client;
    private final boolean webSocket;
    private final Runnable atEnd;
    private final WebSocketFrames frames = new WebSocketFrames();
    private final Direction there;
    private @Nullable Target target; // while this is counted there

    /**
     * Keeps what the client says, until it can go on.
     *
     * @param atEnd is called once, where there was an instance
     */
    Tie(Port port, Channel client, boolean webSocket, Runnable atEnd) {
        this.port = port;
        this.client = client;
        this.webSocket = webSocket;
        this.atEnd = atEnd;
        this.there = new Direction(port.bytesIn, false);
        listen(client, there);
    }

    /** The instance to talk to, which has counted this in. What was left by the handlers of either connection goes to the other. */
    void join(Target counted, Channel instance) {
        target = counted;
        port.begun(counted, this);
        Direction back = new Direction(port.bytesOut, webSocket);
        if (client.isActive() && instance.isActive()) {
            listen(instance, back);
            back.to(client);
            there.to(instance);
        } else {
            end(client);
            end(instance);
        }
    }

    private void listen(Channel from, Direction direction) {
        from.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, !webSocket); // which has an end of its own
        from.pipeline().addLast(direction);
    }

    /** One that has come to its end is not read from again: to the native transport that is an error, and the end of both. */
    private static void read(Channel from, boolean now) {
        if (!(from instanceof DuplexChannel duplex && duplex.isInputShutdown())) {
            from.config().setAutoRead(now);
        }
    }

    private void end(Channel other) {
        other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        if (target != null) {
            port.done(target, this);
            target = null;
            atEnd.run();
        }
    }

    @Override
    public boolean streams() {
        return true;
    }

    /** A WebSocket's client hears that it should connect anew; in the middle of a frame it cannot be told. */
    @Override
    public void cut() {
        client.eventLoop().execute(() -> {
            ByteBuf last = webSocket && frames.between() ? WebSocketFrames.goingAway() : Unpooled.EMPTY_BUFFER;
            client.writeAndFlush(last).addListener(ChannelFutureListener.CLOSE);
        });
    }

    /** What comes by one of the two connections, and goes to the other. */
    private final class Direction extends ChannelInboundHandlerAdapter {
        private final LongAdder bytes;
        private final boolean follow;
        private final Queue<ByteBuf> early = new ArrayDeque<>(EARLY);
        private @Nullable ChannelHandlerContext from;
        private @Nullable Channel to;
        private boolean ended;

        private Direction(LongAdder bytes, boolean follow) {
            this.bytes = bytes;
            this.follow = follow;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext ctx) {
            from = ctx;
        }

        private Channel from() {
            return Objects.requireNonNull(from).channel();
        }

        private void to(Channel other) {
            to = other;
            early.forEach(this::pass);
            early.clear();
            other.flush();
            read(from(), other.isWritable());
            if (ended) {
                passEnd(other);
            }
        }

        private void pass(ByteBuf data) {
            Channel other = Objects.requireNonNull(to);
            bytes.add(data.readableBytes());
            if (follow) {
                frames.follow(data);
            }
            other.write(data);
            if (!other.isWritable()) {
                read(from(), false);
            }
        }

        private void passEnd(Channel other) {
            other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(flushed -> {
                if (other instanceof DuplexChannel forth && from() instanceof DuplexChannel back) {
                    forth.shutdownOutput();
                    forth.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false); // its own end is the end of both
                    if (back.isOutputShutdown()) {
                        back.close(); // both directions have ended
                    }
                }
            });
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (!(message instanceof ByteBuf data)) {
                ReferenceCountUtil.release(message); // the end of the head that switched protocols
            } else if (to == null) {
                early.add(data);
                if (early.size() == EARLY) {
                    read(from(), false); // the rest can wait where it is until there is somebody to hear it
                }
            } else {
                pass(data);
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext ctx) {
            if (to != null) {
                to.flush();
            }
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext ctx) {
            if (to != null) {
                read(to, ctx.channel().isWritable());
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event == ChannelInputShutdownEvent.INSTANCE) {
                ended = true;
                if (to != null) {
                    passEnd(to);
                }
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            early.forEach(ByteBuf::release);
            early.clear();
            if (to != null) {
                end(to);
            }
            ctx.fireChannelInactive();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}
