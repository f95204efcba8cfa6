package dev.rollout.sidecar;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;

/**
 * A small HTTP/1.1 server on TCP and unix sockets: the JDK's has no unix sockets, and what has both takes several times
 * the memory that a sidecar may. Keep-alive, bounded heads and bodies, a bounded number of connections.
 */
final class HttpServer implements AutoCloseable {
    private static final int MOST_CONNECTIONS = 64;
    private static final int MOST_BYTES = 8 * 1024;
    private static final int STACK = 256 * 1024;

    /** @param path decoded, split at slashes: {@code /claims/a%2Fb} is {@code [claims, a/b]} */
    record Request(String method, List<String> path, Map<String, String> query, String accept, String body) {}

    /** Answers one request; {@link Reply#stream} for one that goes on. */
    interface Handler {
        Reply handle(Request request) throws IOException, InterruptedException;
    }

    /** @param stream writes events until it throws; used in place of the body */
    record Reply(int status, String body, Stream stream) {
        interface Stream {
            void write(OutputStream out) throws IOException, InterruptedException;
        }

        static final Stream NONE = out -> {};

        static Reply of(int status, Map<String, ?> body) {
            return new Reply(status, Json.text(body) + "\n", NONE);
        }

        static Reply problem(int status, String title) {
            return of(status, Map.of("title", title));
        }
    }

    private final Handler handler;
    private final List<ServerSocketChannel> sockets = new ArrayList<>();
    private final Semaphore room = new Semaphore(MOST_CONNECTIONS);

    HttpServer(Handler handler) {
        this.handler = handler;
    }

    void listen(SocketAddress address) throws IOException {
        ServerSocketChannel server;
        if (address instanceof UnixDomainSocketAddress unix) {
            Files.deleteIfExists(unix.getPath());
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
            Files.setPosixFilePermissions(unix.getPath(), PosixFilePermissions.fromString("rw-rw----"));
        } else {
            server = ServerSocketChannel.open().bind(address);
        }
        sockets.add(server);
        start("accept", () -> accept(server));
    }

    static Thread start(String name, Runnable work) {
        Thread thread = new Thread(null, work, name, STACK);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private void accept(ServerSocketChannel server) {
        while (server.isOpen()) {
            try {
                SocketChannel channel = server.accept();
                room.acquire(); // the next one waits in the kernel's queue
                start("connection", () -> serve(channel));
            } catch (IOException e) {
                return; // closed
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void serve(SocketChannel channel) {
        try (channel;
                InputStream in = new BufferedInputStream(Channels.newInputStream(channel), 1024);
                OutputStream out = Channels.newOutputStream(channel)) {
            boolean again = true;
            while (again) {
                String head = head(in);
                if (head.isEmpty()) {
                    return;
                }
                again = answer(head, in, out);
            }
        } catch (IOException e) {
            // the client is gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            room.release();
        }
    }

    private boolean answer(String head, InputStream in, OutputStream out) throws IOException, InterruptedException {
        Reply reply;
        boolean keep = false;
        try {
            String[] lines = head.split("\r?\n");
            Map<String, String> headers = new LinkedHashMap<>();
            for (int i = 1; i < lines.length; i++) {
                String[] parts = lines[i].split(":", 2);
                if (parts.length < 2) {
                    throw new IllegalArgumentException("a header without a colon");
                }
                headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1].strip());
            }
            if (headers.containsKey("transfer-encoding")) {
                throw new IllegalArgumentException("a body needs a Content-Length here");
            }
            int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
            if (length < 0 || length > MOST_BYTES) {
                throw new IllegalArgumentException("a body has at most " + MOST_BYTES + " bytes");
            }
            byte[] body = in.readNBytes(length);
            if (body.length < length) {
                throw new EOFException();
            }
            keep = lines[0].endsWith("HTTP/1.1") && !"close".equalsIgnoreCase(headers.get("connection"));
            reply = handler.handle(request(lines[0], headers, new String(body, StandardCharsets.UTF_8)));
        } catch (IllegalArgumentException e) {
            keep = false;
            reply = Reply.problem(400, String.valueOf(e.getMessage()));
        }
        boolean stream = reply.stream() != Reply.NONE;
        byte[] bytes = reply.body().getBytes(StandardCharsets.UTF_8);
        out.write(("HTTP/1.1 " + reply.status() + " " + (reply.status() < 400 ? "OK" : "No") + "\r\nContent-Type: "
                        + (stream ? "text/event-stream\r\nCache-Control: no-store" : "application/json")
                        + (stream ? "" : "\r\nContent-Length: " + bytes.length)
                        + (keep && !stream ? "" : "\r\nConnection: close") + "\r\n\r\n" + (stream ? "" : reply.body()))
                .getBytes(StandardCharsets.UTF_8));
        if (stream) {
            reply.stream().write(out);
        }
        return keep && !stream;
    }

    private static Request request(String line, Map<String, String> headers, String body) {
        String[] words = line.split(" ");
        if (words.length != 3 || !words[1].startsWith("/")) {
            throw new IllegalArgumentException("not a request: " + line);
        }
        String[] target = words[1].substring(1).split("\\?", 2);
        List<String> path = new ArrayList<>();
        for (String part : target[0].split("/")) {
            path.add(URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8));
        }
        Map<String, String> query = new LinkedHashMap<>();
        for (String pair : target.length < 2 ? new String[0] : target[1].split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(parts[0], parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return new Request(words[0], path, query, headers.getOrDefault("accept", ""), body);
    }

    /** Up to the empty line; empty where the connection ends before a request. */
    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            head.append((char) c);
            if (c == '\n'
                    && (head.toString().endsWith("\r\n\r\n") || head.toString().endsWith("\n\n"))) {
                return head.toString();
            }
            if (head.length() > MOST_BYTES) {
                throw new IOException("a head of more than " + MOST_BYTES + " bytes");
            }
        }
        return "";
    }

    @Override
    public void close() {
        for (ServerSocketChannel socket : sockets) {
            try {
                SocketAddress address = socket.getLocalAddress();
                socket.close();
                if (address instanceof UnixDomainSocketAddress unix) {
                    Files.deleteIfExists(unix.getPath());
                }
            } catch (IOException e) {
                // it ends all the same
            }
        }
    }
}
