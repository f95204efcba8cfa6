package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The agent's API as the command line needs it: HTTP/1.1 on the unix socket, which the JDK's client does not speak. */
final class AgentSocket {
    private final Folders folders;

    AgentSocket(Folders folders) {
        this.folders = folders;
    }

    /** True where an agent answers. */
    boolean answers() {
        try {
            get("/healthz");
            return true;
        } catch (CliException e) {
            if (e.exit() == Exit.NOT_ALLOWED) {
                throw e;
            }
            return false;
        }
    }

    JsonNode get(String path) {
        return call("GET", path, null);
    }

    JsonNode post(String path, Object body) {
        return call("POST", path, body);
    }

    JsonNode delete(String path) {
        return call("DELETE", path, null);
    }

    private JsonNode call(String method, String path, @Nullable Object body) {
        try (SocketChannel channel = connect()) {
            Answer answer = send(channel, method, path, body, "");
            byte[] bytes = answer.body().readAllBytes();
            if (answer.status() >= 400) {
                throw problem(bytes);
            }
            return Json.MAPPER.readTree(bytes);
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Hands a body to the taker as it comes. */
    void raw(String path, java.io.OutputStream out) {
        try (SocketChannel channel = connect()) {
            Answer answer = send(channel, "GET", path, null, "");
            if (answer.status() >= 400) {
                throw problem(answer.body().readAllBytes());
            }
            byte[] chunk = new byte[8192];
            for (int read = answer.body().read(chunk);
                    read >= 0;
                    read = answer.body().read(chunk)) {
                out.write(chunk, 0, read);
                out.flush();
            }
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /**
     * Follows server-sent events until the taker has enough, or the stream ends.
     *
     * @param after the last event's id that was seen
     * @return false where the stream ended before the taker had enough
     */
    boolean events(String path, long after, Predicate<JsonNode> taker) throws IOException {
        try (SocketChannel channel = connect()) {
            Answer answer = send(channel, "GET", path, null, "Last-Event-ID: " + after + "\r\n");
            if (answer.status() >= 400) {
                throw problem(answer.body().readAllBytes());
            }
            for (String line = line(answer.body()); line != null; line = line(answer.body())) {
                if (line.startsWith("data: ") && taker.test(Json.MAPPER.readTree(line.substring(6)))) {
                    return true;
                }
            }
            return false;
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(folders.socket()));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private record Answer(int status, InputStream body) {}

    private static Answer send(SocketChannel channel, String method, String path, @Nullable Object body, String headers)
            throws IOException {
        byte[] bytes = body == null ? new byte[0] : Json.text(body).getBytes(StandardCharsets.UTF_8);
        String head = method + " " + path + " HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n" + headers
                + (body == null && method.equals("GET")
                        ? ""
                        : "Content-Type: application/json\r\nContent-Length: " + bytes.length + "\r\n")
                + "\r\n";
        write(channel, head.getBytes(StandardCharsets.UTF_8));
        write(channel, bytes);
        InputStream in = new BufferedInputStream(Channels.newInputStream(channel));
        String status = line(in);
        if (status == null || !status.startsWith("HTTP/1.1 ")) {
            throw new IOException("the agent closed the connection");
        }
        boolean chunked = false;
        for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
            chunked |= line.toLowerCase(Locale.ROOT).equals("transfer-encoding: chunked");
        }
        return new Answer(Integer.parseInt(status.substring(9, 12)), chunked ? new Chunked(in) : in);
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static @Nullable String line(InputStream in) throws IOException {
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
                    throw new IOException("the agent closed the connection");
                }
                left = Integer.parseInt(size.strip(), 16);
                if (left == 0) {
                    ended = true;
                    return -1;
                }
            }
            int read = in.read(into, offset, Math.min(length, left));
            if (read < 0) {
                throw new IOException("the agent closed the connection");
            }
            left -= read;
            return read;
        }
    }

    private static CliException problem(byte[] bytes) throws IOException {
        JsonNode problem = Json.MAPPER.readTree(bytes);
        return new CliException(
                problem.path("exit").asInt(Exit.FAILED), problem.path("title").asText("the agent refused"));
    }

    private CliException unreachable(IOException e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("Permission denied")) {
            return new CliException(
                    Exit.NOT_ALLOWED,
                    "you may not speak to the agent at " + folders.socket() + ": ask for its group, or use sudo");
        }
        return new CliException(
                Exit.UNREACHABLE,
                "no agent answers at " + folders.socket() + " (" + message + "); 'rollout agent start' starts one");
    }
}
