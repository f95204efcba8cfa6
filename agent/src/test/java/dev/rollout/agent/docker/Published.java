package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What the tests of published ports share: services that have one, and how clients are answered. */
final class Published {
    private static final String NGINX = "daemon off; master_process off; pid /tmp/p; error_log stderr; events {} http {"
            + " access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/x; fastcgi_temp_path /tmp/f;"
            + " scgi_temp_path /tmp/s; uwsgi_temp_path /tmp/u; server { listen 8080; root /tmp/w; } }";

    private Published() {}

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** On nginx: under a load busybox's server, which forks for each request, costs more than all else in a test. */
    static String web(String version, int port) {
        return Rig.web(version, "ports: [\"127.0.0.1:" + port + ":8080\"]\n")
                .replace("rollout-examples/busybox:1", "rollout-examples/proxies:1")
                .replace("exec httpd -f -p 8080 -h /tmp/w", "echo '" + NGINX + "' > /tmp/n && exec nginx -c /tmp/n");
    }

    static void ok(Rig.Ran ran) {
        assertEquals(0, ran.exit(), ran.all());
    }

    /** Before anything is started, with a reason. */
    static void refused(Rig.Ran ran, String why) {
        assertEquals(2, ran.exit(), ran.all());
        assertTrue(ran.err().contains(why), ran.all());
    }

    static void nothingLost(Load load, String... versions) throws InterruptedException {
        long start = System.nanoTime();
        while (load.answered.get() <= 100 && load.failures.isEmpty() && System.nanoTime() - start < 30_000_000_000L) {
            Thread.sleep(10); // a busy machine answers more slowly
        }
        load.close();
        assertEquals(List.of(), load.failures, load.answered + " were answered");
        assertTrue(load.answered.get() > 100, "a load of " + load.answered + " proves nothing");
        assertEquals(Set.of(versions), load.versions.keySet());
    }

    /** What the gateway leads of this project. */
    static List<JsonNode> routes(Rig rig) throws IOException {
        List<JsonNode> routes = new ArrayList<>();
        for (JsonNode route : rig.ask("gateway.sock", "GET", "/v1/routes").path("routes")) {
            if (route.path("project").asText().equals(rig.project)) {
                routes.add(route);
            }
        }
        return routes;
    }

    static long gatewayPid(Rig rig) throws Exception {
        return rig.ask("gateway.sock", "GET", "/v1/routes").path("pid").asLong();
    }

    /** It dies before it is ready. */
    static String bad(int port) {
        return web("bad", port).replace("exec nginx", "sleep 1; exit 1; nginx");
    }

    static String answer(int port, String path) {
        try (InputStream in =
                URI.create("http://127.0.0.1:" + port + path).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Docker lets connections in before the service behind a port listens, so an answer is waited for and no connection. */
    static void awaitAnswer(String text, int port) throws InterruptedException {
        long start = System.nanoTime();
        while (!answer(port, "/").equals(text) && System.nanoTime() - start < 20_000_000_000L) {
            Thread.sleep(50);
        }
        assertEquals(text, answer(port, "/"));
    }

    static String said(int port) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] start = new byte[12];
            int length = socket.getInputStream().readNBytes(start, 0, start.length);
            return new String(start, 0, length, StandardCharsets.US_ASCII);
        }
    }

    static void awaitBack(Rig rig, int port) throws Exception {
        long start = System.nanoTime();
        while (true) {
            try (Socket socket = new Socket("127.0.0.1", port)) {
                return;
            } catch (IOException e) {
                assertTrue(
                        System.nanoTime() - start < 10_000_000_000L,
                        "the gateway came back: "
                                + rig.rollout("gateway", "status").all());
                Thread.sleep(20);
            }
        }
    }
}
