package dev.rollout.agent.docker;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Clients that say something every now and then on a WebSocket, and connect anew when they are told that it goes away. */
final class WebSockets implements AutoCloseable {
    private static final int CLIENTS = 8;
    private static final int GOING_AWAY = 1001;
    private static final int PATIENCE_SECONDS = 15;
    private static final int PAUSE_MILLIS = 10;

    private final URI uri;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private volatile boolean stop;
    final AtomicInteger answered = new AtomicInteger();
    final AtomicInteger told = new AtomicInteger();
    final List<String> failures = new CopyOnWriteArrayList<>();
    private volatile Set<String> versions = ConcurrentHashMap.newKeySet();

    WebSockets(int port) {
        uri = URI.create("ws://127.0.0.1:" + port + "/");
        for (int i = 0; i < CLIENTS; i++) {
            threads.add(Thread.ofPlatform().start(this::talk));
        }
    }

    /** Who answers from now on, for a while. */
    Set<String> answering() throws InterruptedException {
        Set<String> fresh = ConcurrentHashMap.newKeySet();
        versions = fresh;
        Thread.sleep(500);
        return fresh;
    }

    private void talk() {
        try (HttpClient client = HttpClient.newHttpClient()) {
            while (!stop) {
                talk(client);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void talk(HttpClient client) throws InterruptedException {
        Heard heard = new Heard();
        try {
            WebSocket socket =
                    client.newWebSocketBuilder().buildAsync(uri, heard).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            while (!stop) {
                socket.sendText("hello", true).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                String answer = heard.said.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
                if (answer == null || !answer.matches("version \\S+ hello|closed " + GOING_AWAY)) {
                    failures.add("heard " + answer);
                    return;
                }
                if (answer.startsWith("closed")) {
                    told.incrementAndGet(); // what it said last it says again, to the next
                    return;
                }
                answered.incrementAndGet();
                versions.add(answer.split(" ")[1]);
                Thread.sleep(PAUSE_MILLIS);
            }
            socket.abort();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            if (heard.said.contains("closed " + GOING_AWAY)) {
                told.incrementAndGet(); // while it was about to say something
            } else {
                failures.add(e.toString());
            }
        }
    }

    private static final class Heard implements WebSocket.Listener {
        private final LinkedBlockingQueue<String> said = new LinkedBlockingQueue<>();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            said.add(data.toString());
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            said.add("closed " + status);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            said.add("broken: " + error);
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
