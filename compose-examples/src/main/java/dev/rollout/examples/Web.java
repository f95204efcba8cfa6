package dev.rollout.examples;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * A web app: tells its version, and is ready a little after it has started, as real ones are. Told to drain by {@code POST
 * /drain} it is not ready any more, and closes each connection after its answer, so that a proxy lets go of it.
 */
public final class Web {
    private static final int PORT = 8080;
    private static final int STREAM_LINES = 20;
    private static final long STREAM_PAUSE_NANOS = 50_000_000;

    private Web() {}

    public static void main(String[] args) throws IOException {
        String version = System.getenv().getOrDefault("VERSION", "?");
        long readyAt =
                System.nanoTime() + 1_000_000L * Long.parseLong(System.getenv().getOrDefault("WARM_UP_MS", "300"));
        HttpServer server = HttpServer.create(new InetSocketAddress(PORT), 128);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        AtomicBoolean draining = new AtomicBoolean();
        server.createContext("/", exchange -> {
            if (draining.get()) {
                exchange.getResponseHeaders().set("Connection", "close");
            }
            exchange.getRequestBody().transferTo(OutputStream.nullOutputStream()); // an upload is taken whole
            byte[] body = ("version " + version + "\n").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.createContext("/stream", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            for (int i = 0; i < STREAM_LINES; i++) {
                exchange.getResponseBody().write((i + "\n").getBytes(StandardCharsets.UTF_8));
                exchange.getResponseBody().flush();
                LockSupport.parkNanos(STREAM_PAUSE_NANOS);
            }
            exchange.getResponseBody().write("end\n".getBytes(StandardCharsets.UTF_8));
            exchange.close();
        });
        server.createContext("/ready", exchange -> {
            exchange.sendResponseHeaders(System.nanoTime() >= readyAt && !draining.get() ? 200 : 503, -1);
            exchange.close();
        });
        server.createContext("/drain", exchange -> {
            boolean told = exchange.getRequestMethod().equals("POST");
            draining.compareAndSet(false, told);
            exchange.sendResponseHeaders(told ? 204 : 405, -1);
            exchange.close();
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(1)));
        server.start();
        System.out.println("web " + version + " listens on " + PORT);
    }
}
