package dev.rollout.agent.docker;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Clients of the example web app that do the slow things: large uploads, and answers that take a second to come. */
final class Uploads implements AutoCloseable {
    private static final int EACH = 2;
    private static final int BYTES = 1 << 20;
    private static final int PAUSE_MILLIS = 100; // the tests beside this one have bots that must keep up
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final String base;
    private final List<Thread> clients = new CopyOnWriteArrayList<>();
    private volatile boolean stop;
    final AtomicInteger uploads = new AtomicInteger();
    final AtomicInteger streams = new AtomicInteger();
    final List<String> failures = new CopyOnWriteArrayList<>();

    Uploads(int port) {
        base = "http://127.0.0.1:" + port;
        for (int i = 0; i < EACH; i++) {
            clients.add(Thread.ofPlatform().start(() -> repeat(this::upload)));
            clients.add(Thread.ofPlatform().start(() -> repeat(this::stream)));
        }
    }

    private interface Asking {
        void with(HttpClient client) throws IOException, InterruptedException;
    }

    private void repeat(Asking asking) {
        while (!stop) {
            // a client each time: a new connection
            try (HttpClient client = HttpClient.newHttpClient()) {
                asking.with(client);
                Thread.sleep(PAUSE_MILLIS);
            } catch (IOException e) {
                failures.add(e.toString());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private HttpRequest.Builder request(String path, HttpClient.Version version) {
        return HttpRequest.newBuilder(URI.create(base + path)).version(version).timeout(PATIENCE);
    }

    private void upload(HttpClient client) throws IOException, InterruptedException {
        HttpResponse<String> answer = client.send(
                request("/upload", HttpClient.Version.HTTP_1_1)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[BYTES]))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() == 200 && answer.body().startsWith("version ")) {
            uploads.incrementAndGet();
        } else {
            failures.add("upload: " + answer.statusCode() + " " + answer.body());
        }
    }

    private void stream(HttpClient client) throws IOException, InterruptedException {
        HttpResponse<String> answer = client.send(
                request("/stream", HttpClient.Version.HTTP_2).build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() == 200 && answer.body().endsWith("end\n")) {
            streams.incrementAndGet();
        } else {
            failures.add("stream: " + answer.statusCode() + " " + answer.body());
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop = true;
        for (Thread client : clients) {
            client.join();
        }
    }
}
