package dev.rollout.agent.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.rollout.agent.model.PortPolicy;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;

/** A front on real sockets, the instances behind it, and clients that say every byte themselves. */
abstract class FrontFixture {
    final Vertx vertx = NativeTransport.vertx(new VertxOptions());
    final List<AutoCloseable> opened = new ArrayList<>();
    Port port = new Port(vertx, route(0));
    int number;

    Route route(long holdMillis, Backend... backends) {
        return route(PortPolicy.holding(holdMillis), backends);
    }

    Route route(PortPolicy policy, Backend... backends) {
        return new Route(
                "p",
                "web",
                "127.0.0.1",
                number,
                0,
                Route.Mode.HTTP,
                policy,
                false,
                false,
                false,
                Arrays.stream(backends).map(b -> b.address("c" + b.port())).toList());
    }

    void lead(Backend... backends) throws Exception {
        lead(PortPolicy.holding(5000), backends);
    }

    void lead(PortPolicy policy, Backend... backends) throws Exception {
        opened.addAll(List.of(backends));
        try (ServerSocket free = new ServerSocket(0)) {
            number = free.getLocalPort();
        }
        port = new Port(vertx, route(policy, backends));
        new Listener(vertx, port, new Redirect("test"), 2).open(new DockersRules());
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened) {
            one.close();
        }
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    /** A client's connection. */
    final class Client implements AutoCloseable {
        final Socket socket = new Socket("127.0.0.1", number);
        final InputStream in = new BufferedInputStream(socket.getInputStream());

        Client() throws IOException {
            socket.setSoTimeout(10_000);
            socket.setTcpNoDelay(true);
        }

        Client send(String text) throws IOException {
            Backend.write(socket.getOutputStream(), text);
            return this;
        }

        String head() throws IOException {
            return Backend.head(in);
        }

        /** An answer with a length. */
        String answer() throws IOException {
            String head = head();
            return head.lines().findFirst().orElse("closed") + "|" + new String(Backend.length(head, in));
        }

        /** A short WebSocket frame, without its first byte. */
        String frame() throws IOException {
            in.read();
            int length = in.read();
            return (char) length + new String(in.readNBytes(length), java.nio.charset.StandardCharsets.ISO_8859_1);
        }

        String rest() throws IOException {
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.ISO_8859_1);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    static final String GET = "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\n\r\n";

    /** When its clients are gone, too: an upgraded connection is one, from its beginning to its end. */
    void awaitNoConnection() throws InterruptedException {
        awaitIdle();
        for (int i = 0; i < 500 && port.connections.get() > 0; i++) {
            Thread.sleep(10);
        }
        assertEquals(0, port.connections.get(), "no connection stays");
    }

    void awaitIdle() throws InterruptedException {
        for (int i = 0; i < 500 && port.all().stream().anyMatch(t -> t.inFlight.get() > 0); i++) {
            Thread.sleep(10);
        }
        assertEquals(0, port.all().stream().mapToInt(t -> t.inFlight.get()).sum(), "nothing stays in flight");
    }
}
