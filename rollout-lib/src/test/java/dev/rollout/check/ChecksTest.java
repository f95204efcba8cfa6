package dev.rollout.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real sockets on loopback, well and badly behaved. */
class ChecksTest {
    private static final Duration LIMIT = Duration.ofMillis(500);

    private static CheckResult ask(String answer) throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread thread = new Thread(() -> {
                try (Socket socket = server.accept()) {
                    socket.getInputStream().read(new byte[4096]);
                    socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
                    if (answer.isEmpty()) {
                        Thread.sleep(2000);
                    }
                } catch (IOException | InterruptedException e) {
                    // the check is what is tested
                }
            });
            thread.setDaemon(true);
            thread.start();
            return http(new InetSocketAddress(server.getInetAddress(), server.getLocalPort()));
        }
    }

    private static CheckResult https(InetSocketAddress address) {
        return new HttpCheck(address, true, "/ready", Map.of(), StatusRange.DEFAULT, LIMIT).run();
    }

    private static CheckResult http(java.net.SocketAddress address) {
        return new HttpCheck(address, false, "/ready", Map.of(), StatusRange.DEFAULT, LIMIT).run();
    }

    @Test
    void aGoodAnswerPasses() throws Exception {
        assertTrue(ask("HTTP/1.1 204 No Content\r\n\r\n").passed());
        assertTrue(ask("HTTP/1.0 200\r\n\r\n").passed());
    }

    @Test
    void aBadStatusFailsAndTellsTheRedirect() throws Exception {
        CheckResult down = ask("HTTP/1.1 503 Busy\r\n\r\n");
        assertEquals(CheckResult.Verdict.FAILED, down.verdict());
        assertEquals("503", down.detail());
        assertEquals(
                "301 to https://x/ready",
                ask("HTTP/1.1 301 Moved\r\nLocation: https://x/ready\r\n\r\n").detail());
    }

    @Test
    void whatCannotBeAskedIsUnreachable() throws Exception {
        assertEquals("timed out after 500 ms", ask("").detail());
        assertEquals("answered, but not in HTTP/1", ask("SSH-2.0-OpenSSH\r\n").detail());
        ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        InetSocketAddress address = new InetSocketAddress(closed.getInetAddress(), closed.getLocalPort());
        closed.close();
        assertEquals("connection refused", http(address).detail());
        assertEquals("connection refused", new TcpCheck(address, LIMIT).run().detail());
    }

    /** As behind a firewall that drops: nobody says yes or no. */
    @Test
    void whoGetsNoConnectionIsToldSo() throws Exception {
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            InetSocketAddress address = new InetSocketAddress(full.getInetAddress(), full.getLocalPort());
            List<Socket> waiting = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                waiting.add(new Socket(address.getAddress(), address.getPort()));
            }
            assertEquals("no connection within 500 ms", http(address).detail());
            assertEquals("no connection within 500 ms", https(address).detail());
            assertEquals(
                    "no connection within 500 ms",
                    new TcpCheck(address, LIMIT).run().detail());
            for (Socket socket : waiting) {
                socket.close();
            }
        }
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            InetSocketAddress address = new InetSocketAddress(silent.getInetAddress(), silent.getLocalPort());
            assertEquals("timed out after 500 ms", https(address).detail());
        }
    }

    @Test
    void aUnixSocketAnswers(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("s");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            Thread thread = new Thread(() -> {
                try (SocketChannel socket = server.accept()) {
                    socket.read(ByteBuffer.allocate(1000));
                    socket.write(ByteBuffer.wrap("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
                } catch (IOException e) {
                    // the check is what is tested
                }
            });
            thread.setDaemon(true);
            thread.start();
            assertTrue(http(UnixDomainSocketAddress.of(path)).passed());
        }
    }

    @Test
    void statusRangesAreParsedStrictly() {
        assertEquals(new StatusRange(200, 399), StatusRange.parse("200-399"));
        assertEquals(new StatusRange(204, 204), StatusRange.parse(" 204 "));
        for (String bad : new String[] {"", "2xx", "399-200", "99", "200-999", "1-2-3"}) {
            assertThrows(IllegalArgumentException.class, () -> StatusRange.parse(bad), bad);
        }
    }
}
