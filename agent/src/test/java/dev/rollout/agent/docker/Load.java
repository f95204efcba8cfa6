package dev.rollout.agent.docker;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Clients of a web service: some on connections that they keep, some on a new one each time. It ends itself after many failures. */
final class Load implements AutoCloseable {
    private static final int EACH = 2;
    private static final int ENOUGH = 100;
    private static final int PAUSE_MILLIS = 12; // what they use is taken from the tests beside them

    private final int pauseMillis;

    private final InetSocketAddress server;
    private final List<Thread> clients = new CopyOnWriteArrayList<>();
    private volatile boolean stop;
    final AtomicInteger answered = new AtomicInteger();
    final List<String> failures = new CopyOnWriteArrayList<>();
    final Map<String, Integer> versions = new ConcurrentHashMap<>();

    Load(int port) {
        this(port, PAUSE_MILLIS);
    }

    Load(InetSocketAddress server) {
        this(server, PAUSE_MILLIS);
    }

    /** @param pauseMillis between two requests of a client; 0 is as fast as they go */
    Load(int port, int pauseMillis) {
        this(new InetSocketAddress("127.0.0.1", port), pauseMillis);
    }

    private Load(InetSocketAddress server, int pauseMillis) {
        this.server = server;
        this.pauseMillis = pauseMillis;
        for (int i = 0; i < EACH; i++) {
            clients.add(Thread.ofPlatform().start(() -> ask(true)));
            clients.add(Thread.ofPlatform().start(() -> ask(false)));
        }
    }

    private void ask(boolean keep) {
        Socket socket = null;
        while (!stop) {
            try {
                if (socket == null) {
                    socket = new Socket();
                    socket.connect(server, 3000);
                    socket.setSoTimeout(15_000);
                }
                boolean open = answer(socket);
                if (!keep || !open) {
                    socket.close();
                    socket = null;
                }
                Thread.sleep(pauseMillis);
            } catch (IOException e) {
                failures.add((keep ? "kept connection: " : "new connection: ") + e);
                if (failures.size() >= ENOUGH) {
                    return; // nobody may be there to close this where a test has failed
                }
                socket = null;
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** @return whether the connection may be used again */
    private boolean answer(Socket socket) throws IOException {
        socket.getOutputStream()
                .write("GET /index.html HTTP/1.1\r\nHost: test\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        InputStream in = new BufferedInputStream(socket.getInputStream());
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int c = in.read();
            if (c < 0) {
                throw new IOException("closed after '" + head + "'");
            }
            head.append((char) c);
        }
        String small = head.toString().toLowerCase(Locale.ROOT);
        int length = -1;
        for (String line : small.split("\r\n")) {
            if (line.startsWith("content-length:")) {
                length = Integer.parseInt(line.substring(15).strip());
            }
        }
        byte[] body = length >= 0 ? in.readNBytes(length) : in.readAllBytes();
        if (!small.startsWith("http/1.1 200") || length >= 0 && body.length < length) {
            throw new IOException(head.toString().lines().findFirst().orElse("") + " " + new String(body));
        }
        answered.incrementAndGet();
        versions.merge(new String(body).strip(), 1, Integer::sum);
        return length >= 0 && !small.contains("connection: close");
    }

    @Override
    public void close() throws InterruptedException {
        stop = true;
        for (Thread client : clients) {
            client.join();
        }
    }
}
