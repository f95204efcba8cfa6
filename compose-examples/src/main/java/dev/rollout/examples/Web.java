package dev.rollout.examples;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** A web app: tells its version, and is ready a little after it has started, as real ones are. */
public final class Web {
    private static final int PORT = 8080;

    private Web() {}

    public static void main(String[] args) throws IOException {
        String version = System.getenv().getOrDefault("VERSION", "?");
        long readyAt =
                System.nanoTime() + 1_000_000L * Long.parseLong(System.getenv().getOrDefault("WARM_UP_MS", "300"));
        HttpServer server = HttpServer.create(new InetSocketAddress(PORT), 128);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", exchange -> {
            byte[] body = ("version " + version + "\n").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.createContext("/ready", exchange -> {
            exchange.sendResponseHeaders(System.nanoTime() >= readyAt ? 200 : 503, -1);
            exchange.close();
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(1)));
        server.start();
        System.out.println("web " + version + " listens on " + PORT);
    }
}
