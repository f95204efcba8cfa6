package dev.rollout.agent.gateway;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.model.PortPolicy;
import dev.rollout.agent.model.ProxyProtocol;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Plain connections: bytes as they are, both ways, and each end where it belongs. */
class TcpFrontTest {
    private final Vertx vertx = NativeTransport.vertx(new VertxOptions()); // as the gateway has it
    private Port port = new Port(vertx, route(0, 0));

    private static Route route(int number, int to) {
        return route(number, to, PortPolicy.holding(1000));
    }

    private static Route route(int number, int to, PortPolicy policy) {
        return route(
                "127.0.0.1", number, policy, to == 0 ? List.of() : List.of(new Route.Backend("c", "127.0.0.1", to)));
    }

    private static Route route(String hostIp, int number, PortPolicy policy, List<Route.Backend> to) {
        return new Route("p", "db", hostIp, number, 0, Route.Mode.TCP, policy, false, false, false, to);
    }

    private int lead(int to) throws Exception {
        return lead(to, PortPolicy.holding(1000));
    }

    private int lead(int to, PortPolicy policy) throws Exception {
        return lead(route(Listener.freePort(), to, policy));
    }

    private int lead(String hostIp, int to, ProxyProtocol told) throws Exception {
        return lead(route(
                hostIp,
                Listener.freePort(),
                PortPolicy.holding(1000),
                List.of(new Route.Backend("c", "127.0.0.1", to, told))));
    }

    private int lead(Route route) throws Exception {
        port = new Port(vertx, route);
        new Listener(vertx, port, new Redirect("test"), 1).open(new DockersRules());
        return route.port();
    }

    @AfterEach
    void close() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private static ServerSocket server(Served served) throws IOException {
        ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            try (Socket socket = server.accept()) {
                served.by(socket);
            } catch (Exception e) {
                // the test sees what came of it
            }
        });
        return server;
    }

    interface Served {
        void by(Socket socket) throws Exception;
    }

    /** Its container is starting again, say. */
    @Test
    void anInstanceThatJustRefusesConnectionsIsWaitedFor() throws Exception {
        int number;
        try (ServerSocket free = new ServerSocket(0)) {
            number = free.getLocalPort();
        }
        try (Socket client = new Socket("127.0.0.1", lead(number, PortPolicy.holding(20_000)))) {
            client.setSoTimeout(10_000);
            client.getOutputStream().write('a');
            while (port.held.sum() == 0) {
                Thread.sleep(10);
            }
            try (ServerSocket back = new ServerSocket(number, 10, InetAddress.getLoopbackAddress());
                    Socket there = back.accept()) {
                assertEquals('a', there.getInputStream().read());
                there.getOutputStream().write('b');
                assertEquals('b', client.getInputStream().read());
            }
        }
        awaitNone();
    }

    /** Who sends all and says so by closing that direction still gets its answer, however large. */
    @Test
    void aClosedDirectionLeavesTheOtherOpen() throws Exception {
        echoesAfterTheEnd(socket -> {
            int got = socket.getInputStream().readAllBytes().length;
            Thread.sleep(100);
            socket.getOutputStream().write(new byte[got]);
        });
    }

    /** A client that says much, closes its direction, and waits for as much. */
    private void echoesAfterTheEnd(Served echo) throws Exception {
        int size = 4 << 20;
        try (ServerSocket server = server(echo);
                Socket client = new Socket("127.0.0.1", lead(server.getLocalPort()))) {
            client.setSoTimeout(10_000);
            client.getOutputStream().write(new byte[size]);
            client.shutdownOutput();
            assertEquals(size, client.getInputStream().readAllBytes().length);
        }
        awaitNone();
        assertEquals(size, port.bytesIn.sum());
        assertEquals(size, port.bytesOut.sum());
    }

    /** The end of the one direction comes while the other side has yet to take most of what was said before. */
    @Test
    void aSlowInstanceStillAnswersAClientThatHasEnded() throws Exception {
        echoesAfterTheEnd(socket -> {
            Thread.sleep(500);
            int got = socket.getInputStream().readAllBytes().length;
            socket.getOutputStream().write(new byte[got]);
        });
    }

    @Test
    void aClientThatHasEndedMayBeSlowToTakeItsAnswer() throws Exception {
        int size = 16 << 20;
        try (ServerSocket server = server(socket -> {
                    socket.getInputStream().readAllBytes();
                    for (int i = 0; i < 4; i++) {
                        socket.getOutputStream().write(new byte[size / 4]);
                        Thread.sleep(200); // all is out, and there is nothing to wait for
                    }
                });
                Socket client = new Socket()) {
            client.setReceiveBufferSize(64 << 10);
            client.connect(new InetSocketAddress("127.0.0.1", lead(server.getLocalPort())));
            client.setSoTimeout(10_000);
            Backend.write(client.getOutputStream(), "all of it");
            client.shutdownOutput();
            int got = 0;
            while (got < size) {
                Thread.sleep(1);
                int more = client.getInputStream().readNBytes(Math.min(size - got, 100_000)).length;
                assertTrue(more > 0, "cut after " + got);
                got += more;
            }
        }
        awaitNone();
    }

    @Test
    void anInstanceThatClosesFirstMayStillBeWrittenTo() throws Exception {
        CompletableFuture<String> heard = new CompletableFuture<>();
        try (ServerSocket server = server(socket -> {
                    Backend.write(socket.getOutputStream(), "bye");
                    socket.shutdownOutput();
                    heard.complete(new String(socket.getInputStream().readAllBytes()));
                });
                Socket client = new Socket("127.0.0.1", lead(server.getLocalPort()))) {
            client.setSoTimeout(10_000);
            assertEquals("bye", new String(client.getInputStream().readAllBytes()));
            Backend.write(client.getOutputStream(), "still here");
            client.shutdownOutput();
            assertEquals("still here", heard.get(5, TimeUnit.SECONDS));
        }
        awaitNone();
    }

    @Test
    void aClientThatIsGoneFreesItsInstance() throws Exception {
        CompletableFuture<Integer> end = new CompletableFuture<>();
        try (ServerSocket server =
                server(socket -> end.complete(socket.getInputStream().readAllBytes().length))) {
            Socket client = new Socket("127.0.0.1", lead(server.getLocalPort()));
            client.setSoLinger(true, 0); // a reset, as of a machine that crashed and came back
            Backend.write(client.getOutputStream(), "x");
            Thread.sleep(100);
            client.close();
            awaitNone();
        }
    }

    @Test
    void aClientThatLeavesWhileItWaitsForAnInstanceHoldsNone() throws Exception {
        try (ServerSocket server = server(socket -> socket.getInputStream().readAllBytes())) {
            int number = lead(0);
            Socket client = new Socket("127.0.0.1", number);
            while (port.held.sum() == 0) {
                Thread.onSpinWait();
            }
            client.close();
            port.point(route(number, server.getLocalPort()));
            awaitNone();
            assertEquals(1, port.all().getFirst().requests.sum(), "it was taken, and given back");
        }
    }

    /** As "echo question | nc -N" does it, while the only instance is not yet there. */
    @Test
    void whatAClientSaysBeforeItsInstanceIsThereIsKept() throws Exception {
        try (ServerSocket server = server(
                socket -> socket.getOutputStream().write(socket.getInputStream().readAllBytes()))) {
            int number = lead(0);
            try (Socket client = new Socket("127.0.0.1", number)) {
                client.setSoTimeout(10_000);
                Backend.write(client.getOutputStream(), "question");
                client.shutdownOutput();
                Thread.sleep(100);
                port.point(route(number, server.getLocalPort()));
                assertEquals("question", new String(client.getInputStream().readAllBytes()));
            }
            awaitNone();
        }
    }

    /** The instance speaks first, as a database does; and what comes by TLS goes on as plain bytes, both ways. */
    @Test
    void tlsEndsHere(@TempDir Path folder) throws Exception {
        int size = 1 << 20;
        TestCertificate certificate = new TestCertificate(folder, "localhost");
        try (ServerSocket server = server(socket -> {
                    Backend.write(socket.getOutputStream(), "hello");
                    socket.getOutputStream().write(socket.getInputStream().readNBytes(size));
                });
                Socket client = TestCertificate.trusting()
                        .getSocketFactory()
                        .createSocket(
                                "127.0.0.1",
                                lead(
                                        server.getLocalPort(),
                                        new PortPolicy(1000, 0, 0, 0, false, List.of(certificate.files()))))) {
            client.setSoTimeout(10_000);
            assertEquals("hello", new String(client.getInputStream().readNBytes(5)));
            Thread.ofVirtual().start(() -> {
                try {
                    client.getOutputStream().write(new byte[size]);
                } catch (IOException e) {
                    // what comes back is too little then
                }
            });
            assertEquals(size, client.getInputStream().readNBytes(size).length);
        }
        awaitNone();
    }

    /** A client of each kind of address, to a port that listens on all: postfix, nginx and HAProxy decide by what they hear. */
    @ParameterizedTest
    @CsvSource({"127.0.0.1, TCP4", "::1, TCP6"})
    void anInstanceIsToldWhoseTheBytesAre(String address, String kind) throws Exception {
        try (ServerSocket server = server(
                socket -> socket.getOutputStream().write(socket.getInputStream().readAllBytes()))) {
            int number = lead("", server.getLocalPort(), ProxyProtocol.V1);
            try (Socket client = new Socket(address, number)) {
                client.setSoTimeout(10_000);
                Backend.write(client.getOutputStream(), "question");
                client.shutdownOutput();
                String from = client.getLocalAddress().getHostAddress();
                assertEquals(
                        "PROXY " + kind + " " + from + " " + from + " " + client.getLocalPort() + " " + number
                                + "\r\nquestion",
                        new String(client.getInputStream().readAllBytes()));
            }
            awaitNone();
        }
    }

    /** HAProxy's own words for it: a signature, version 2 and PROXY, TCP over IPv4, twelve bytes of addresses. */
    @Test
    void anInstanceMayBeToldInBinary() throws Exception {
        try (ServerSocket server = server(
                socket -> socket.getOutputStream().write(socket.getInputStream().readNBytes(28)))) {
            int number = lead("127.0.0.1", server.getLocalPort(), ProxyProtocol.V2);
            try (Socket client = new Socket("127.0.0.1", number)) {
                client.setSoTimeout(10_000);
                ByteBuffer told = ByteBuffer.wrap(client.getInputStream().readNBytes(28));
                byte[] start = new byte[16];
                told.get(start);
                assertArrayEquals(HexFormat.of().parseHex("0d0a0d0a000d0a515549540a" + "21" + "11" + "000c"), start);
                assertEquals(0x7f000001, told.getInt());
                assertEquals(0x7f000001, told.getInt());
                assertEquals(client.getLocalPort(), Short.toUnsignedInt(told.getShort()));
                assertEquals(number, Short.toUnsignedInt(told.getShort()));
            }
        }
    }

    private void awaitNone() throws InterruptedException {
        for (int i = 0;
                i < 500
                        && (port.connections.get() > 0
                                || port.all().getFirst().inFlight.get() > 0);
                i++) {
            Thread.sleep(10);
        }
        assertEquals(0, port.connections.get());
        assertEquals(0, port.all().getFirst().inFlight.get());
    }
}
