package dev.rollout.agent.gateway;

import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetSocket;
import java.util.concurrent.atomic.LongAdder;

/**
 * Two connections that are one: bytes go both ways as they are, with back-pressure, and counted. An end of one direction
 * is passed on as such, since the other may go on for long; when one connection is gone the other is closed.
 */
final class Tie implements Exchange {
    private final Context context;
    private final Port port;
    private final Target target;
    private final NetSocket client;
    private final NetSocket instance;
    private final boolean webSocket;
    private final WebSocketFrames frames = new WebSocketFrames();
    private boolean ended;

    /** @param context where both connections are served */
    Tie(Context context, Port port, Target target, NetSocket client, NetSocket instance, boolean webSocket) {
        this.context = context;
        this.port = port;
        this.target = target;
        this.client = client;
        this.instance = instance;
        this.webSocket = webSocket;
    }

    /** Begins. The end is reported once. */
    void tie(Runnable atEnd) {
        port.begun(target, this);
        client.closeHandler(gone -> {
            instance.close();
            end(atEnd);
        });
        instance.closeHandler(gone -> {
            client.close();
            end(atEnd);
        });
        pump(client, instance, port.bytesIn, false);
        pump(instance, client, port.bytesOut, webSocket);
    }

    private void end(Runnable atEnd) {
        if (!ended) {
            ended = true;
            port.done(target, this);
            atEnd.run();
        }
    }

    private void pump(NetSocket from, NetSocket to, LongAdder bytes, boolean follow) {
        if (!webSocket) { // which has an end of its own
            passEnd((NetSocketInternal) from, (NetSocketInternal) to);
        }
        from.handler(data -> {
            bytes.add(data.length());
            if (follow) {
                frames.follow(data);
            }
            to.write(data);
            if (to.writeQueueFull()) {
                from.pause();
                to.drainHandler(room -> from.resume());
            }
        });
        from.resume();
    }

    private static void passEnd(NetSocketInternal from, NetSocketInternal to) {
        from.channelHandlerContext().channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        from.eventHandler(event -> {
            if (event == ChannelInputShutdownEvent.INSTANCE
                    && to.channelHandlerContext().channel() instanceof DuplexChannel channel) {
                to.write(Buffer.buffer()).onComplete(flushed -> {
                    channel.shutdownOutput();
                    if (from.channelHandlerContext().channel() instanceof DuplexChannel other
                            && other.isOutputShutdown()) {
                        from.close(); // both directions have ended
                    }
                });
            }
        });
    }

    @Override
    public boolean streams() {
        return true;
    }

    /** A WebSocket's client hears that it should connect anew; in the middle of a frame it cannot be told. */
    @Override
    public void cut() {
        context.runOnContext(now -> {
            if (webSocket && frames.between()) {
                client.end(WebSocketFrames.GOING_AWAY);
            } else {
                client.close();
            }
        });
    }
}
