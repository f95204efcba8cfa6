package dev.rollout.examples;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Visitors of the web example, for a proof: half of them keep their connection, half open a new one for each request. They
 * go on until a file appears, and tell how many requests were sent, how many of them were dropped, and who answered.
 */
public final class Visitors {
    private static final int EACH = 4;
    private static final int PAUSE_MILLIS = 2;
    private static final int PATIENCE_MILLIS = 15_000;

    private final int port;
    private final Path until;
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger dropped = new AtomicInteger();
    private final Map<String, AtomicInteger> by = new ConcurrentSkipListMap<>();

    private Visitors(int port, Path until) {
        this.port = port;
        this.until = until;
    }

    /** Arguments: the port, and the file that ends the visit. */
    public static void main(String[] args) throws InterruptedException {
        Visitors visitors = new Visitors(Integer.parseInt(args[0]), Path.of(args[1]));
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < EACH * 2; i++) {
            boolean keep = i % 2 == 0;
            Thread thread = new Thread(() -> visitors.visit(keep), "visitor-" + i);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println("requests=" + visitors.sent + " dropped=" + visitors.dropped + " by=" + visitors.by);
    }

    private void visit(boolean keep) {
        Socket socket = null;
        while (!Files.exists(until)) {
            sent.incrementAndGet();
            try {
                if (socket == null) {
                    socket = new Socket();
                    socket.connect(new InetSocketAddress("127.0.0.1", port), PATIENCE_MILLIS);
                    socket.setSoTimeout(PATIENCE_MILLIS);
                    socket.setTcpNoDelay(true);
                }
                by.computeIfAbsent(ask(socket), who -> new AtomicInteger()).incrementAndGet();
                if (!keep) {
                    socket.close();
                    socket = null;
                }
                Thread.sleep(PAUSE_MILLIS);
            } catch (IOException e) {
                dropped.incrementAndGet();
                System.err.println("dropped: " + e);
                socket = null;
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** One request on a connection. The body of its answer. */
    private static String ask(Socket socket) throws IOException {
        socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: example\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        InputStream in = new BufferedInputStream(socket.getInputStream());
        String status = line(in);
        int length = 0;
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(line.substring(15).strip());
            }
        }
        byte[] body = in.readNBytes(length);
        if (!status.startsWith("HTTP/1.1 200") || body.length < length) {
            throw new IOException(status + " " + new String(body, StandardCharsets.UTF_8));
        }
        return new String(body, StandardCharsets.UTF_8).strip();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("closed after '" + line + "'");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }
}
