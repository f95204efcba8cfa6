package dev.rollout.agent.gateway;

import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the gateway on which nothing is said: the kernel ends it with the gateway's process, whatever that dies
 * of, so to know whether it lives takes neither side any work.
 */
final class Line {
    private final UnixHttp http;
    private @Nullable SocketChannel channel;

    Line(Path socket) {
        this.http = new UnixHttp(socket);
    }

    /** Whether the gateway to which it was opened lives; it is opened to the one that answers now where none is known to. */
    boolean up() {
        try {
            if (channel == null) {
                channel = http.connect();
                channel.configureBlocking(false);
            }
            if (channel.read(ByteBuffer.allocate(1)) >= 0) {
                return true;
            }
        } catch (IOException e) {
            // nobody is at the other end
        }
        close();
        return false;
    }

    private void close() {
        SocketChannel was = channel;
        channel = null;
        try {
            if (was != null) {
                was.close();
            }
        } catch (IOException e) {
            // there is no line all the same
        }
    }
}
