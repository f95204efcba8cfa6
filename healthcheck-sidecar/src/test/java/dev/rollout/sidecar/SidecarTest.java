package dev.rollout.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.Scope;
import dev.rollout.lib.Membership;
import dev.rollout.lib.Rollout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The sidecar's parts on real sockets, with a real claims database on shared memory. */
class SidecarTest {
    private final AtomicLong nanos = new AtomicLong();
    private final Components components = new Components(nanos::get);
    private final HttpClient client = HttpClient.newHttpClient();
    private Path folder;
    private ClaimsDatabase agent;
    private Rollout rollout;
    private HttpServer server;
    private String base;

    @BeforeEach
    void start() throws Exception {
        folder = Files.createTempDirectory(Path.of("/dev/shm"), "rollout-sidecar-test");
        agent = ClaimsDatabase.create(folder.resolve(ClaimsDatabase.NAME), "service", Mode.BROADCAST);
        agent.agentLives(600_000);
        rollout = Rollout.join(new Membership("p", "service", "a", 2, folder, 1));
        server = new HttpServer(new Routes(components, rollout));
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        server.listen(new InetSocketAddress("127.0.0.1", port));
        server.listen(UnixDomainSocketAddress.of(folder.resolve("http.sock")));
        base = "http://127.0.0.1:" + port;
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        rollout.close();
        agent.close();
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    private HttpResponse<String> ask(String method, String path, String body) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(base + path))
                        .version(HttpClient.Version.HTTP_1_1)
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private void expect(int status, String part, String method, String path, String body) throws Exception {
        HttpResponse<String> answer = ask(method, path, body);
        assertEquals(status, answer.statusCode(), answer.body());
        assertTrue(answer.body().contains(part), answer.body());
    }

    private static void until(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < deadline, what);
            Thread.sleep(5);
        }
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    @Test
    void readyIfAndOnlyIfAllThatWasDeclaredIsReady() throws Exception {
        expect(503, "nothing is declared", "GET", "/readyz", "");
        components.declare("shard-0");
        components.declare("shard-1");
        expect(503, "shard-0: not reported yet", "GET", "/healthz", "");
        expect(503, "\"shard-0\": {\"ready\": true", "PUT", "/components/shard-0", "ready");
        expect(200, "\"status\": \"ready\"", "PUT", "/components/shard-1", "ready 10s");
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(11));
        expect(503, "shard-1: its report is too old", "GET", "/readyz", "");
        expect(503, "shard-1: session \\\"7\\\" lost", "PUT", "/components/shard-1", "down session \"7\" lost");
        expect(400, "a report is", "PUT", "/components/shard-1", "fine");
        expect(400, "a component's name", "PUT", "/components/%2e%2e", "ready");
        components.report("shard-1", "ready", "test");
        expect(200, "\"role\": \"STANDBY\"", "GET", "/readyz", "");
        components.stopping();
        expect(503, "stopping", "GET", "/readyz", "");
    }

    @Test
    void reportsComeByLineAndByFileAndByProbe() throws Exception {
        Reports reports = new Reports(components);
        Path socket = folder.resolve("report.sock");
        reports.socket(socket);
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
            for (String[] line : new String[][] {
                {"declare a b", "ok"}, {"a ready", "ok"}, {"b maybe", "error: a report is"}, {"b ready 1m", "ok"}
            }) {
                channel.write(ByteBuffer.wrap((line[0] + "\n").getBytes(StandardCharsets.UTF_8)));
                String answer = in.readLine();
                assertTrue(answer.startsWith(line[1]), answer);
            }
        }
        assertTrue(components.ready());
        Path files = Files.createDirectory(folder.resolve("health"));
        reports.files(files);
        Files.writeString(files.resolve("c"), "down warming up");
        until("the file is seen", () -> components.why().equals(java.util.Optional.of("c: warming up")));
        Files.writeString(files.resolve("c"), "ready");
        until("it is ready", components::ready);
        Files.delete(files.resolve("c"));
        until("it is gone", () -> components.why().equals(java.util.Optional.of("c: its file is gone")));
        Files.writeString(files.resolve("c"), "ready");
        until("it is back", components::ready);
        try (ServerSocket app = new ServerSocket(0)) {
            reports.probe("port", "tcp://127.0.0.1:" + app.getLocalPort());
            until("the port answers", components::ready);
        }
        until("the port is closed", () -> !components.ready());
    }

    @Test
    void theRoleIsToldToWhoeverWaits() throws Exception {
        expect(200, "STANDBY", "GET", "/role", "");
        var waiting = client.sendAsync(
                HttpRequest.newBuilder(URI.create(base + "/role?not=STANDBY&wait=20s"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        var events = client.send(
                HttpRequest.newBuilder(URI.create(base + "/role"))
                        .header("Accept", "text/event-stream")
                        .build(),
                HttpResponse.BodyHandlers.ofLines());
        agent.decide(new Scope(Mode.BROADCAST, "a", 2, 0));
        assertTrue(waiting.get(10, TimeUnit.SECONDS).body().contains("ACTIVE"));
        var lines =
                events.body().filter(line -> line.startsWith("data:")).limit(2).toList();
        assertEquals(List.of("data: STANDBY", "data: ACTIVE"), lines);
        expect(400, "No enum", "GET", "/role?not=BOSS", "");
    }

    @Test
    void claimsAreAnsweredInFourWays() throws Exception {
        expect(200, "\"attempt\": 1", "POST", "/claims/create%3A1%2Fa%20b", "");
        assertEquals(0, agent.claim("create:1/a b", 2, Long.MAX_VALUE).attempt(), "the id as the app meant it");
        expect(409, "LOST", "POST", "/claims/create%3A1%2Fa%20b", "");
        expect(200, "CLAIMED", "POST", "/claims/job?lease=60s", "");
        expect(409, "heldMillis", "POST", "/claims/job?lease=60s", "");
        expect(200, "KEPT", "POST", "/claims/job/renew?generation=2&attempt=1&lease=90s", "");
        expect(200, "KEPT", "POST", "/claims/job/release?generation=2&attempt=1", "");
        expect(200, "\"attempt\": 2", "POST", "/claims/job?lease=60s", "");
        expect(409, "STALE", "POST", "/claims/job/complete?generation=2&attempt=1", "");
        expect(200, "KEPT", "POST", "/claims/job/complete?generation=2&attempt=2", "");
        expect(400, "numbers", "POST", "/claims/job/complete", "");
        expect(400, "no duration", "POST", "/claims/job?lease=soon", "");
        expect(400, "1 to 128 bytes", "POST", "/claims/" + "x".repeat(200), "");
        expect(200, "\"othersWon\": false", "GET", "/claims?lately=1m", "");
        agent.claim("create:another's", 4, Long.MAX_VALUE);
        expect(200, "\"othersWon\": true", "GET", "/claims?lately=1m", "");
        expect(404, "GET /healthz", "GET", "/nothing", "");
        agent.fence(4);
        expect(410, "FENCED", "POST", "/claims/late", "");
        for (String part : List.of("", "-wal", "-shm")) {
            Files.deleteIfExists(folder.resolve(ClaimsDatabase.NAME + part));
        }
        Files.writeString(folder.resolve(ClaimsDatabase.NAME), "no database ".repeat(1000));
        until("it notices", () -> ask("POST", "/claims/later", "").statusCode() == 503);
    }

    @Test
    void workInFlightHoldsTheDrain() throws Exception {
        expect(200, "\"inFlight\": 1", "PUT", "/work/job-1", "");
        expect(200, "\"inFlight\": 1", "PUT", "/work/job-1", "");
        expect(200, "\"inFlight\": 2", "PUT", "/work/job-2", "");
        expect(200, "\"inFlight\": 1", "DELETE", "/work/job-1", "");
        expect(200, "\"inFlight\": 1", "DELETE", "/work/job-1", "");
        until("the agent sees it", () -> agent.instance("a").orElseThrow().inFlight() == 1);
    }

    @Test
    void nonsenseOnTheWireHarmsNobody() throws Exception {
        for (String bytes : new String[] {
            "\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/1.1\r\nnonsense\r\n\r\n",
            "GET /role HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "GET /role HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
            "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /%zz HTTP/1.1\r\n\r\n",
            "x".repeat(20_000)
        }) {
            assertTrue(
                    raw(UnixDomainSocketAddress.of(folder.resolve("http.sock")), bytes)
                            .matches("(?s)(HTTP/1.1 400 .*)?"),
                    bytes);
        }
        String two = raw(
                UnixDomainSocketAddress.of(folder.resolve("http.sock")),
                "GET /role HTTP/1.1\r\n\r\nGET /role HTTP/1.1\r\nConnection: close\r\n\r\n");
        assertEquals(3, two.split("HTTP/1.1 200").length, "two requests on one connection: " + two);
    }

    private static String raw(SocketAddress address, String bytes) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(address);
            channel.write(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.US_ASCII)));
            channel.shutdownOutput();
            return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException reset) {
            return "";
        }
    }

    @Test
    void settingsThatMakeNoSenseAreRefusedByName() {
        for (Map<String, String> bad : List.of(
                Map.of("SIDECAR_LISTEN", "somewhere"),
                Map.of("SIDECAR_PROBES", "tcp://127.0.0.1:1"),
                Map.of("SIDECAR_PROBES", "db=ftp://x"),
                Map.of("SIDECAR_DRAIN_SIGNAL", "usr2; rm"))) {
            assertThrows(IllegalArgumentException.class, () -> Settings.from(bad), bad.toString());
        }
        Settings settings = Settings.from(Map.of("ROLLOUT_DIR", "/run/rollout", "ROLLOUT_INSTANCE", "bot-g2-1"));
        assertEquals("/run/rollout/health/bot-g2-1", settings.files());
        assertEquals(Role.STANDBY, rollout.role());
    }

    /** As process 1 of a container: SIGTERM and the drain go on to the app, and its exit code comes back. */
    @Test
    void signalsAndTheDrainGoOnToTheApp() throws Exception {
        String script =
                "trap 'echo drains' USR2; trap 'echo ends; exit 7' TERM; echo runs; while :; do sleep 0.05; done";
        ProcessBuilder sidecar = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                "target/classes:" + System.getProperty("java.class.path") + ":"
                        + System.getProperty("jdk.module.path", ""),
                Sidecar.class.getName(),
                "run",
                "--",
                "sh",
                "-c",
                script);
        sidecar.environment()
                .putAll(Map.of(
                        "ROLLOUT_INSTANCE", "b",
                        "ROLLOUT_GENERATION", "2",
                        "ROLLOUT_DIR", folder.toString(),
                        "SIDECAR_LISTEN", "unix:" + folder.resolve("sidecar.sock"),
                        "SIDECAR_DRAIN_SIGNAL", "USR2"));
        Process process = sidecar.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        BufferedReader out = process.inputReader();
        assertEquals("runs", out.readLine());
        agent.decide(new Scope(Mode.BROADCAST, "b", 2, 0));
        until("it is active", () -> agent.instance("b").orElseThrow().role() == Role.ACTIVE);
        agent.decide(new Scope(Mode.BROADCAST, "a", 4, 0));
        assertEquals("drains", out.readLine());
        process.toHandle().destroy(); // and not its streams
        assertEquals("ends", out.readLine());
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        assertEquals(7, process.exitValue());
    }
}
