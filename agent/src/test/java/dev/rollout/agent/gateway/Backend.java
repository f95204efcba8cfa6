package dev.rollout.agent.gateway;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An instance that does exactly what a test says, on a real socket, byte by byte. */
final class Backend implements AutoCloseable {
    /** What it does with a request's head, on its connection. */
    interface Script {
        void play(String head, InputStream in, OutputStream out) throws Exception;
    }

    private final ServerSocket server;
    private final Script script;
    private final Thread accepting;
    final List<String> heads = new CopyOnWriteArrayList<>();

    Backend(Script script) throws IOException {
        this(0, script);
    }

    private Backend(int port, Script script) throws IOException {
        this.script = script;
        this.server = new ServerSocket(port, 1024, InetAddress.getLoopbackAddress());
        this.accepting = Thread.ofVirtual().start(this::accept);
    }

    /** Answers every request with a body. */
    static Backend saying(String body) throws IOException {
        return saying(0, body);
    }

    static Backend saying(int port, String body) throws IOException {
        return new Backend(port, (head, in, out) -> {
            length(head, in);
            write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
        });
    }

    static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    /** Reads a body with a length. */
    static byte[] length(String head, InputStream in) throws IOException {
        for (String line : head.split("\r\n")) {
            if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
                return in.readNBytes(Integer.parseInt(line.substring(15).strip()));
            }
        }
        return new byte[0];
    }

    /** A head up to its empty line; empty at the end of the stream. */
    static String head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int matched = 0;
        while (matched < 4) {
            int c = in.read();
            if (c < 0) {
                return "";
            }
            head.write(c);
            matched = c == "\r\n\r\n".charAt(matched) ? matched + 1 : c == '\r' ? 1 : 0;
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    int port() {
        return server.getLocalPort();
    }

    Route.Backend address(String name) {
        return new Route.Backend(name, "127.0.0.1", port());
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = new BufferedInputStream(socket.getInputStream());
            for (String head = head(in); !head.isEmpty(); head = head(in)) {
                heads.add(head);
                script.play(head, in, socket.getOutputStream());
            }
        } catch (Exception e) {
            // the script breaks off: so does the connection
        }
    }

    /** Refuses connections from the return on: a socket that is just being accepted from is closed a little later. */
    @Override
    public void close() throws IOException {
        server.close();
        try {
            accepting.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
