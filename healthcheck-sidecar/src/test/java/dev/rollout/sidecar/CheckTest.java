package dev.rollout.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CheckTest {
    private static int check(String address) {
        try {
            return Sidecar.run(new String[] {"check", address}, Map.of());
        } catch (IllegalArgumentException e) {
            return 2; // as main says it
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void tellsGoodFromBadFromNonsense() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread thread = new Thread(() -> {
                while (true) {
                    try (Socket socket = server.accept()) {
                        byte[] head = new byte[4096];
                        int read = socket.getInputStream().read(head);
                        boolean good =
                                read > 0 && new String(head, StandardCharsets.US_ASCII).startsWith("GET /ok?a=b ");
                        String answer = good ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 500 No\r\n\r\n";
                        socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                    } catch (IOException e) {
                        return;
                    }
                }
            });
            thread.setDaemon(true);
            thread.start();
            String host = "127.0.0.1:" + server.getLocalPort();
            assertEquals(0, check("http://" + host + "/ok?a=b"));
            assertEquals(1, check("http://" + host + "/bad"));
            assertEquals(0, check("tcp://" + host));
        }
        assertEquals(1, check("tcp://127.0.0.1:1"));
        assertEquals(1, check("unix:/nowhere.sock"));
        assertEquals(2, check("ftp://x"));
        assertEquals(2, check("http:///x"));
        assertThrows(IllegalArgumentException.class, () -> Sidecar.run(new String[] {"nonsense"}, Map.of()));
    }
}
