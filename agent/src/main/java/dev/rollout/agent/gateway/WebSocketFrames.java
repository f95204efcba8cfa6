package dev.rollout.agent.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Follows one direction of a WebSocket, to know when a frame of our own may stand between two others: RFC 6455, 5.2. */
final class WebSocketFrames {
    /** "Going away": the client's library connects anew. */
    private static final byte[] GOING_AWAY = {(byte) 0x88, 2, 0x03, (byte) 0xe9};

    private static final int MOST_HEAD = 14;
    private final byte[] head = new byte[MOST_HEAD];
    private int have;
    private long payload;

    static ByteBuf goingAway() {
        return Unpooled.wrappedBuffer(GOING_AWAY);
    }

    void follow(ByteBuf bytes) {
        int at = bytes.readerIndex();
        while (at < bytes.writerIndex()) {
            if (payload > 0) {
                long step = Math.min(payload, bytes.writerIndex() - at);
                payload -= step;
                at += (int) step;
            } else {
                head[have++] = bytes.getByte(at++);
                if (have >= 2 && have == headLength()) {
                    payload = payloadLength();
                    have = 0;
                }
            }
        }
    }

    boolean between() {
        return have == 0 && payload == 0;
    }

    private int headLength() {
        int length = head[1] & 0x7f;
        return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + ((head[1] & 0x80) == 0 ? 0 : 4);
    }

    private long payloadLength() {
        int length = head[1] & 0x7f;
        if (length < 126) {
            return length;
        }
        long extended = 0;
        for (int i = 2; i < (length == 126 ? 4 : 10); i++) {
            extended = extended << 8 | head[i] & 0xff;
        }
        return extended;
    }
}
