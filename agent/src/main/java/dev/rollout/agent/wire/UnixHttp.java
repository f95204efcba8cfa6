package dev.rollout.agent.wire;

import dev.rollout.agent.json.Json;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** HTTP/1.1 on a unix socket, a connection a request: the JDK's client does not speak it. */
public final class UnixHttp {
    private final Path socket;

    public UnixHttp(Path socket) {
        this.socket = socket;
    }

    /** An answer, whose body comes as long as it is read. Closing it closes the connection. */
    public record Answer(int status, InputStream body, SocketChannel channel) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /**
     * Sends a request and reads the answer's head.
     *
     * @param headers more header lines, each with its line end
     */
    public Answer send(String method, String path, @Nullable Object body, String headers) throws IOException {
        SocketChannel channel = connect();
        try {
            return send(channel, method, path, body, headers);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Returns when the process that listens now has ended; at once where none does. A connection on which nothing is said:
     * the kernel ends it with the process, and until then it is no work to either side.
     */
    public void awaitEnd() throws InterruptedException {
        try (SocketChannel channel = connect()) {
            channel.read(ByteBuffer.allocate(1));
        } catch (ClosedByInterruptException e) {
            throw new InterruptedException();
        } catch (IOException e) {
            // nobody is at the other end
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static Answer send(SocketChannel channel, String method, String path, @Nullable Object body, String headers)
            throws IOException {
        byte[] bytes = body == null ? new byte[0] : Json.text(body).getBytes(StandardCharsets.UTF_8);
        String head = method + " " + path + " HTTP/1.1\r\nHost: rollout\r\nConnection: close\r\n" + headers
                + (body == null && method.equals("GET")
                        ? ""
                        : "Content-Type: application/json\r\nContent-Length: " + bytes.length + "\r\n")
                + "\r\n";
        write(channel, head.getBytes(StandardCharsets.UTF_8));
        write(channel, bytes);
        InputStream in = new BufferedInputStream(Channels.newInputStream(channel));
        String status = line(in);
        if (status == null || !status.startsWith("HTTP/1.1 ")) {
            throw new IOException("the other end closed the connection");
        }
        boolean chunked = false;
        for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
            chunked |= line.toLowerCase(Locale.ROOT).equals("transfer-encoding: chunked");
        }
        return new Answer(Integer.parseInt(status.substring(9, 12)), chunked ? new Chunked(in) : in, channel);
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** A line without its end; null at the end of the stream. */
    public static @Nullable String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = in.read(); c >= 0; c = in.read()) {
            if (c == '\n') {
                String text = line.toString(StandardCharsets.UTF_8);
                return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
            }
            line.write(c);
        }
        return line.size() == 0 ? null : line.toString(StandardCharsets.UTF_8);
    }

    /** A chunked body. A connection that closes in the middle is an error, not an end. */
    private static final class Chunked extends InputStream {
        private final InputStream in;
        private int left;
        private boolean ended;

        Chunked(InputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (ended) {
                return -1;
            }
            if (left == 0) {
                String size = line(in);
                if (size != null && size.isEmpty()) {
                    size = line(in);
                }
                if (size == null) {
                    throw new IOException("the other end closed the connection");
                }
                left = Integer.parseInt(size.strip(), 16);
                if (left == 0) {
                    ended = true;
                    return -1;
                }
            }
            int read = in.read(into, offset, Math.min(length, left));
            if (read < 0) {
                throw new IOException("the other end closed the connection");
            }
            left -= read;
            return read;
        }
    }
}
