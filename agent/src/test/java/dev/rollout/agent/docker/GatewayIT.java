package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Published ports under load, through everything that can happen to them: not one request is lost. */
class GatewayIT {
    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static String web(String version, int port) {
        return Rig.web(version, "ports: [\"127.0.0.1:" + port + ":8080\"]\n");
    }

    private static void ok(Rig.Ran ran) {
        assertEquals(0, ran.exit(), ran.all());
    }

    private static void nothingLost(Load load, String... versions) throws InterruptedException {
        long start = System.nanoTime();
        while (load.answered.get() <= 100 && load.failures.isEmpty() && System.nanoTime() - start < 30_000_000_000L) {
            Thread.sleep(10); // a busy machine answers more slowly
        }
        load.close();
        assertEquals(List.of(), load.failures, load.answered + " were answered");
        assertTrue(load.answered.get() > 100, "a load of " + load.answered + " proves nothing");
        assertEquals(Set.of(versions), load.versions.keySet());
    }

    private static JsonNode gateway(Rig rig) throws Exception {
        return new ObjectMapper()
                .readTree(rig.rollout("gateway", "status", "--format", "json").out());
    }

    private static long gatewayPid(Rig rig) throws Exception {
        return gateway(rig).path("pid").asLong();
    }

    /** It dies before it is ready. */
    private static String bad(int port) {
        return web("bad", port).replace("httpd -f", "sleep 1; exit 1;");
    }

    @Test
    void aServiceWithPublishedPortsRollsWithoutALostRequest() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            Load load = new Load(port);
            for (String version : List.of("2", "3")) {
                rig.services(web(version, port));
                Rig.Ran ran = rig.rollout("up", "web");
                ok(ran);
                assertTrue(ran.out().contains(" 0 failed"), ran.all());
            }
            rig.services(bad(port));
            assertEquals(1, rig.rollout("up", "web").exit(), "a bad candidate is rolled back");
            ok(rig.rollout("undo", "web"));
            nothingLost(load, "1", "2", "3");

            Load after = new Load(port);
            nothingLost(after, "2");

            rig.services(web("2", port));
            String id = rig.containers("web").getFirst().id();
            ok(rig.compose("up", "-d"));
            assertEquals(id, rig.containers("web").getFirst().id(), "compose up -d must change nothing");
        }
    }

    @Test
    void whatDockerPublishedIsTakenOverAndKillsAreNotSeen() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.compose("up", "-d"));
            ok(rig.rollout("agent", "start"));
            if (!System.getProperty("user.name").equals("root")) {
                rig.services(web("2", port));
                Rig.Ran refused = rig.rollout("up", "web");
                assertEquals(2, refused.exit(), refused.all());
                assertTrue(refused.err().contains("needs root"), refused.all());
                return; // the rest is for root
            }
            Thread.sleep(1000); // compose does not wait until the web server listens
            Load load = new Load(port);
            rig.services(web("2", port));
            ok(rig.rollout("up", "web"));

            ProcessHandle.of(rig.agentPid()).orElseThrow().destroyForcibly();
            Thread.sleep(500);
            nothingLost(load, "1", "2");

            ok(rig.rollout("agent", "start"));
            long pid = gatewayPid(rig);
            assertWeight(rig.agentPid(), 5);
            assertWeight(pid, 0);
            ProcessHandle gateway = ProcessHandle.of(pid).orElseThrow();
            gateway.destroyForcibly();
            gateway.onExit().join();
            awaitBack(rig, port);
            Load again = new Load(port);
            ok(rig.rollout("undo", "web"));
            nothingLost(again, "2", "1");
        }
    }

    /** How the kernel weighs a process's session against others, where it does. */
    private static void assertWeight(long pid, int nice) throws IOException {
        Path session = Path.of("/proc/" + pid + "/autogroup");
        String weight = Files.exists(session) ? Files.readString(session).strip() : "";
        assertTrue(weight.isEmpty() || weight.endsWith(" nice " + nice), weight);
    }

    /** A version that listens on another port, or is published on one: what goes on beside it, or comes back, has its own. */
    @Test
    void eachVersionIsLedToByItsOwnPorts() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            String two = "deploy: {replicas: 2}\n";
            rig.services(listening("1", port, 8080, two));
            ok(rig.rollout("up", "web"));
            Load load = new Load(port);
            rig.services(listening("bad", port, 9090, two).replace("httpd -f", "sleep 1; exit 1;"));
            assertEquals(1, rig.rollout("up", "web").exit(), "a bad candidate on another port is rolled back");
            rig.services(listening("2", port, 9090, two));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2");

            int other = freePort();
            String watched = "deploy: {update_config: {monitor: 5s, failure_action: rollback}}\n";
            rig.services(listening("dies", other, 8080, watched)
                    .replace("exec httpd -f -p 8080 -h /tmp/w", "httpd -p 8080 -h /tmp/w; sleep 3"));
            assertEquals(1, rig.rollout("up", "web").exit(), "it dies while it serves");
            Load back = new Load(port);
            nothingLost(back, "2");
            assertEquals(List.of(port), ports(rig));

            CompletableFuture<String> slow = CompletableFuture.supplyAsync(() -> answer(port, "/cgi-bin/slow"));
            rig.services(Rig.web("hidden", ""));
            ok(rig.rollout("up", "web"));
            assertEquals("slow", slow.join(), "what was begun there is finished");
            assertEquals(List.of(), ports(rig), "a version without ports has none");
            ok(rig.rollout("undo", "web"));
            nothingLost(new Load(port), "2");
        }
    }

    /** Docker gives the addresses of containers that have stopped to those that start. */
    @Test
    void anAddressThatIsAnothersByNowIsNotLedTo() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            int others = freePort();
            rig.services(web("own", port) + web("other", others).replace("web:", "neighbour:"));
            ok(rig.rollout("up"));
            String own = rig.containers("web").getFirst().id();
            String other = rig.containers("neighbour").getFirst().id();

            swapAddresses(rig, own, other);
            awaitAnswer("own", port);
            awaitAnswer("other", others);

            ok(rig.docker("stop", own));
            ok(rig.docker("restart", other));
            awaitAnswer("other", others);
            assertEquals("HTTP/1.1 503", said(port), "what is stopped is waited for, and nobody else is asked");
            String status = rig.rollout("gateway", "status").out();
            assertTrue(status.contains(own.substring(0, 12)) && status.contains(" stopped "), status);
            ok(rig.docker("start", own));
            awaitAnswer("own", port);

            ProcessHandle.of(rig.agentPid()).orElseThrow().destroyForcibly();
            swapAddresses(rig, own, other); // the gateway looks for itself
            awaitAnswer("own", port);
            awaitAnswer("other", others);
            ok(rig.rollout("agent", "start"));
            swapAddresses(rig, own, other);
            awaitAnswer("own", port);

            ok(rig.rollout("agent", "stop"));
            ok(rig.rollout("gateway", "stop"));
            Path file = rig.folder.resolve("state/gateway.json");
            Files.writeString(file, Files.readString(file).replaceFirst("\"boot\":\"[^\"]*", "\"boot\":\"another"));
            swapAddresses(rig, own, other);
            Process gateway = rig.start("gateway", "run"); // as after a reboot, and without an agent
            awaitAnswer("own", port);
            awaitAnswer("other", others);
            ok(rig.docker("rm", "-f", own));
            while (listens(port)) { // or Docker could not have it
                assertTrue(gateway.isAlive());
                Thread.sleep(50);
            }
            awaitAnswer("other", others);
            gateway.destroy();
        }
    }

    /** A daemon that comes back starts its containers before it answers anybody. */
    @Test
    void theEndOfAContainerIsSeenWithoutAnEngine() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            String id = rig.containers("web").getFirst().id();
            ok(rig.rollout("agent", "stop"));
            ok(rig.rollout("gateway", "stop"));
            rig.environment.put("DOCKER_HOST", "unix:///nowhere");
            Process gateway = rig.start("gateway", "run");
            rig.environment.remove("DOCKER_HOST");
            awaitAnswer("1", port);
            ok(rig.docker("stop", id));
            long end = System.nanoTime() + 5_000_000_000L;
            while (!rig.rollout("gateway", "status").out().contains(" stopped ")) {
                assertTrue(System.nanoTime() < end, "its address is another's soon");
            }
            ok(rig.docker("start", id));
            ok(rig.rollout("agent", "start"));
            awaitAnswer("1", port);
            gateway.destroy();
        }
    }

    /** The one with the higher address is started first, and gets the lower one. */
    private static void swapAddresses(Rig rig, String one, String other) throws Exception {
        String before = address(rig, one);
        boolean higher = lastNumber(before) > lastNumber(address(rig, other));
        ok(rig.docker("stop", one, other));
        ok(rig.docker("start", higher ? one : other, higher ? other : one));
        assertNotEquals(before, address(rig, one), "this proves nothing where the addresses stay");
    }

    private static int lastNumber(String address) {
        return Integer.parseInt(address.strip().replaceFirst(".*\\.", ""));
    }

    private static String address(Rig rig, String id) throws Exception {
        return rig.docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id)
                .out();
    }

    private static void awaitAnswer(String text, int port) throws InterruptedException {
        long start = System.nanoTime();
        while (!answer(port, "/").equals(text) && System.nanoTime() - start < 20_000_000_000L) {
            Thread.sleep(50);
        }
        assertEquals(text, answer(port, "/"));
    }

    private static String answer(int port, String path) {
        try (InputStream in =
                URI.create("http://127.0.0.1:" + port + path).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static String listening(String version, int port, int target, String more) {
        return Rig.web(version, more + "ports: [\"127.0.0.1:" + port + ":8080\"]\n")
                .replace(
                        "exec httpd",
                        "mkdir /tmp/w/cgi-bin && printf 'HTTP/1.0 200 OK\\r\\n\\r\\nslow' > /tmp/w/answer"
                                + " && printf '#!/bin/sh\\nsleep 2; cat /tmp/w/answer' > /tmp/w/cgi-bin/slow"
                                + " && chmod +x /tmp/w/cgi-bin/slow && exec httpd")
                .replace("8080", target + "");
    }

    /** The way back: Docker publishes the port again, and the next rollout takes it over again. */
    @Test
    void aPortIsHandedBackToDockerWithoutALostRequest() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            if (!System.getProperty("user.name").equals("root")) {
                Rig.Ran refused = rig.rollout("release", "web");
                assertEquals(2, refused.exit(), refused.all());
                assertTrue(refused.err().contains("needs root"), refused.all());
                return; // the rest is for root
            }
            Load load = new Load(port);
            rig.services(bad(port));
            Rig.Ran bad = rig.rollout("release", "web");
            assertEquals(1, bad.exit(), bad.all());
            awaitOwnPort(rig);

            rig.services(web("2", port));
            long agent = rig.agentPid();
            Process release = rig.start("release", "web", "--progress", "json");
            String story = Rig.at(
                    "PROMOTING", release, () -> ProcessHandle.of(agent).ifPresent(ProcessHandle::destroyForcibly));
            assertEquals(0, release.waitFor(), story);
            assertTrue(story.contains("its ports are Docker's again"), story);
            assertEquals(
                    "127.0.0.1:" + port,
                    rig.docker("port", rig.containers("web").getFirst().id(), "8080/tcp")
                            .out()
                            .strip());
            assertEquals(2, rig.rollout("release", "web").exit(), "there is nothing to hand back now");
            rig.services(web("3", port));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2", "3");
        }
    }

    /** What it has is lost with it, and for no longer than it takes to start another: the port still becomes Docker's. */
    @ParameterizedTest
    @ValueSource(strings = {"PROMOTING", "DRAINING"})
    void aGatewayThatIsKilledWhileItsPortIsHandedBackDoesNotKeepIt(String phase) throws Exception {
        if (!System.getProperty("user.name").equals("root")) {
            return; // only root hands back
        }
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            rig.services(web("2", port));
            long gateway = gatewayPid(rig);
            Process release = rig.start("release", "web", "--progress", "json");
            String story =
                    Rig.at(phase, release, () -> ProcessHandle.of(gateway).ifPresent(ProcessHandle::destroyForcibly));
            assertEquals(0, release.waitFor(), story);
            assertEquals(
                    "127.0.0.1:" + port,
                    rig.docker("port", rig.containers("web").getFirst().id(), "8080/tcp")
                            .out()
                            .strip());
            nothingLost(new Load(port), "2");
            assertFalse(rig.run("iptables", "-t", "nat", "-S").out().contains("--dport " + port + " -j REDIRECT"));
        }
    }

    /** Docker chose one port for each container out of a range: each goes on, and leads to both of the next version. */
    @Test
    void thePortsThatDockerChoseOutOfARangeAreKept() throws Exception {
        try (Rig rig = new Rig()) {
            int first = freeRange();
            String range = "ports: [\"127.0.0.1:" + first + "-" + (first + 20) + ":8080\"]\n";
            String two = "deploy: {replicas: 2}\n" + range;
            rig.services(Rig.web("1", two));
            ok(rig.rollout("agent", "start"));
            if (!System.getProperty("user.name").equals("root")) {
                ok(rig.rollout("up", "web"));
                nothingLost(new Load(ports(rig).getFirst()), "1");
                return; // the rest is for root
            }
            ok(rig.compose("up", "-d"));
            List<Integer> chosen = new ArrayList<>();
            for (Rig.Container container : rig.containers("web")) {
                chosen.add(Integer.valueOf(rig.docker("port", container.id(), "8080/tcp")
                        .out()
                        .strip()
                        .replaceFirst(".*:", "")));
            }
            assertEquals(2, Set.copyOf(chosen).size(), chosen + "");
            Thread.sleep(1000); // compose does not wait until the web server listens
            Load one = new Load(chosen.getFirst());
            Load other = new Load(chosen.getLast());
            rig.services(Rig.web("2", two));
            ok(rig.rollout("up", "web"));
            rig.services(Rig.web("3", two));
            ok(rig.rollout("up", "web"));
            nothingLost(one, "1", "2", "3");
            nothingLost(other, "1", "2", "3");
            assertEquals(Set.copyOf(chosen), Set.copyOf(ports(rig)));
            for (JsonNode route : gateway(rig).path("routes")) {
                assertEquals(2, route.path("targets").size(), route + "");
            }
            Rig.Ran refused = rig.rollout("release", "web");
            assertEquals(2, refused.exit(), refused.all());
            assertTrue(refused.err().contains("Docker would choose another"), refused.all());
        }
    }

    /** Where the file names no host port a service gets one that is free, and keeps it. */
    @Test
    void aServiceWithoutAHostPortGetsOneAndKeepsIt() throws Exception {
        try (Rig rig = new Rig();
                ServerSocket held = new ServerSocket(0);
                ServerSocket alsoHeld = new ServerSocket(0)) {
            rig.services(Rig.web("1", "ports: [\"8080\"]\n"));
            ok(rig.rollout("up", "web"));
            int port = ports(rig).getFirst();
            Load load = new Load(port);
            rig.services(Rig.web("2", "ports: [\"8080\"]\n"));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2");
            assertEquals(List.of(port), ports(rig));

            int mine = held.getLocalPort();
            rig.services(Rig.web("3", "ports: [\"" + mine + "-" + mine + ":8080\"]\n"));
            assertEquals(2, rig.rollout("up", "web").exit(), "a port that somebody holds");
            rig.services(Rig.web("3", "ports: [{target: 8080, published: \"" + mine + "-" + (mine + 30) + "\"}]\n"));
            ok(rig.rollout("up", "web"));
            int free = ports(rig).getFirst();
            assertTrue(mine < free && free <= mine + 30 && free != alsoHeld.getLocalPort(), free + " of " + mine);
            nothingLost(new Load(free), "3");
        }
    }

    /** The end of a gateway by a signal, with no agent to start it again: the port is its holder's as before. */
    @Test
    void aGatewayThatIsTerminatedLeavesNothingRedirected() throws Exception {
        if (!System.getProperty("user.name").equals("root")) {
            return; // only root redirects
        }
        try (Rig rig = new Rig();
                ServerSocket holder = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                while (true) {
                    try (Socket socket = holder.accept()) {
                        socket.getOutputStream().write("held".getBytes(StandardCharsets.US_ASCII));
                    } catch (IOException closed) {
                        return;
                    }
                }
            });
            int port = holder.getLocalPort();
            String route = rig.run(
                            Rig.ROOT.resolve("scripts/gateway-route").toString(), "HTTP", port + "", freePort() + "")
                    .out();
            Files.createDirectories(rig.folder.resolve("state"));
            Files.writeString(rig.folder.resolve("state/gateway.json"), route);
            assertEquals("held", said(port));
            rig.environment.put("DOCKER_HOST", "tcp://127.0.0.1:1"); // the target is no container
            Process gateway = rig.start("gateway", "run");
            for (int i = 0; i < 200 && said(port).equals("held"); i++) {
                Thread.sleep(50);
            }
            assertTrue(said(port).startsWith("HTTP/1.1 502"), said(port));
            gateway.destroy();
            assertTrue(gateway.waitFor(10, TimeUnit.SECONDS));
            assertEquals("held", said(port));
        }
    }

    private static boolean listens(int port) {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static String said(int port) throws IOException {
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

    /** The first of 21 free ports, below those that the kernel gives to outgoing connections. */
    private static int freeRange() {
        int first = 20_000 + ThreadLocalRandom.current().nextInt(10_000);
        for (int number = first; number <= first + 20; number++) {
            try (ServerSocket free = new ServerSocket(number)) {
                assertEquals(number, free.getLocalPort());
            } catch (IOException held) {
                return freeRange();
            }
        }
        return first;
    }

    private static List<Integer> ports(Rig rig) throws Exception {
        List<Integer> ports = new ArrayList<>();
        gateway(rig)
                .path("routes")
                .forEach(route ->
                        ports.add(Integer.valueOf(route.path("listen").asText().replaceFirst(".*:", ""))));
        return ports;
    }

    /** A first rollout that fails, and a port that was handed back, leave a gateway that has nothing to lead. */
    @Test
    void aGatewayWithNothingToLeadEnds() throws Exception {
        try (Rig rig = new Rig()) {
            rig.environment.put("ROLLOUT_GATEWAY_IDLE", "2s");
            int port = freePort();
            rig.services(bad(port));
            assertEquals(1, rig.rollout("up", "web").exit());
            long first = gatewayPid(rig);
            ProcessHandle.of(first)
                    .ifPresent(
                            one -> one.onExit().orTimeout(60, TimeUnit.SECONDS).join());
            assertFalse(ProcessHandle.of(first).isPresent());

            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            long second = gatewayPid(rig);
            Thread.sleep(4000);
            assertEquals(second, gatewayPid(rig), "one that leads stays");
        }
    }

    /** The gateway holds the published port itself again. */
    private static void awaitOwnPort(Rig rig) throws Exception {
        long end = System.nanoTime() + 30_000_000_000L;
        int beside;
        do {
            Thread.sleep(100);
            beside = gateway(rig).path("routes").path(0).path("redirectedFrom").asInt(-1);
        } while (beside != 0 && System.nanoTime() < end);
        assertEquals(0, beside);
    }

    /**
     * Two loads at once, rollout after rollout; the agent killed with -9 in some of them, the gateway replaced during
     * some. As often as {@code -Drollout.soak=N} says; {@code scripts/soak} says 30.
     */
    @Test
    void rolloutsInARowUnderTwoLoadsLoseNothing() throws Exception {
        int rollouts = Integer.getInteger("rollout.soak", 4);
        boolean root = System.getProperty("user.name").equals("root");
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(app("0", port));
            ok(rig.rollout("up", "web"));
            Load load = new Load(port, rollouts > 10 ? 0 : 3);
            Uploads uploads = new Uploads(port);
            for (int i = 1; i <= rollouts; i++) {
                rig.services(app("v" + i, port));
                long agent = rig.agentPid();
                boolean kill = i % 4 == 2;
                Process upgrade = root && i % 4 == 3 ? rig.start("gateway", "upgrade") : null; // in the middle of it
                Process up = rig.start("up", "web", "--progress", "json");
                String story = Rig.at(i % 8 == 2 ? "PROMOTING" : "DRAINING", up, () -> {
                    if (kill) {
                        ProcessHandle.of(agent).ifPresent(ProcessHandle::destroyForcibly);
                    }
                });
                assertEquals(0, up.waitFor(), story);
                assertEquals(Set.of("version v" + i), answering(load), "nothing by a version that is retired");
                if (upgrade != null) {
                    assertEquals(
                            0,
                            upgrade.waitFor(),
                            new String(upgrade.getErrorStream().readAllBytes()));
                }
            }
            load.close();
            uploads.close();
            System.out.println(rollouts + " rollouts in a row: " + load.answered + " requests, " + uploads.uploads
                    + " uploads, " + uploads.streams + " streams; failed " + load.failures.size() + " and "
                    + uploads.failures.size());
            assertEquals(List.of(), load.failures);
            assertEquals(List.of(), uploads.failures);
            assertTrue(
                    uploads.uploads.get() > rollouts && uploads.streams.get() > rollouts, "a load that proves nothing");
        }
    }

    private static String app(String version, int port) {
        return """
                web:
                  image: rollout-examples/apps:1
                  command: [dev.rollout.examples.Web]
                  environment: {VERSION: "%s"}
                  ports: ["127.0.0.1:%d:8080"]
                  restart: unless-stopped
                  x-rollout: {readiness: {http: {path: /ready, port: 8080}}}
                """.formatted(version, port);
    }

    /** Each of them hears from the previous version that it goes away, in good order, and is the next one's then. */
    @Test
    void webSocketsAreToldToComeAgain() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(echo("v0", port));
            ok(rig.rollout("up", "web"));
            try (WebSockets sockets = new WebSockets(port)) {
                for (int i = 1; i <= 3; i++) {
                    rig.services(echo("v" + i, port));
                    ok(rig.rollout("up", "web"));
                    assertEquals(Set.of("v" + i), sockets.answering(), "nothing by a version that is retired");
                }
                sockets.close();
                System.out.println("WebSockets: " + sockets.answered + " messages answered, " + sockets.told
                        + " told to come again, failed " + sockets.failures.size());
                assertEquals(List.of(), sockets.failures);
                assertTrue(sockets.told.get() >= 3 * 8, "all of them, each time: " + sockets.told);
            }
        }
    }

    private static String echo(String version, int port) {
        return app(version, port)
                .replace("examples.Web", "examples.Echo")
                .replace("x-rollout: {", "x-rollout: {ports: {\"" + port + "\": {streams: 1s}}, ");
    }

    /** What is fixed when a port is opened, its mode and its TLS, changes with the file, and no request is lost by it. */
    @Test
    void aPortThatChangesItsModeIsServedInTheNewOne() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            if (!System.getProperty("user.name").equals("root")) {
                return; // a gateway that is replaced needs root, and says so in its log
            }
            Load load = new Load(port);
            rig.services(
                    web("2", port).replace("x-rollout: {", "x-rollout: {ports: {\"" + port + "\": {mode: tcp}}, "));
            ok(rig.rollout("up", "web"));
            assertTrue(rig.rollout("gateway", "status").out().contains(":" + port + " tcp"));
            nothingLost(load, "1", "2");
            rig.services(web("3", port)
                    .replace(
                            "x-rollout: {",
                            "x-rollout: {ports: {\"" + port
                                    + "\": {tls: [{cert: /no/such.pem, key: /no/such.key}]}}, "));
            Rig.Ran refused = rig.rollout("up", "web");
            assertEquals(2, refused.exit(), refused.all());
            assertTrue(refused.err().contains("/no/such.pem cannot be read"), refused.all());
        }
    }

    @Test
    void aGatewayThatHangsDoesNotKeepAnAgentFromStarting() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            String gateway = Long.toString(gatewayPid(rig));
            ok(rig.rollout("agent", "stop"));
            ok(rig.run("kill", "-STOP", gateway));
            try {
                ok(rig.rollout("agent", "start"));
            } finally {
                ok(rig.run("kill", "-CONT", gateway));
            }
            awaitAnswer("1", port);
        }
    }

    /** Somebody has tidied up the state folder: the gateway is asked, and tells. */
    @Test
    void aLostStateFolderIsNotAnOutage() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            Load load = new Load(port);
            ok(rig.rollout("agent", "stop"));
            ok(rig.run("rm", "-rf", rig.environment.get("ROLLOUT_STATE_DIR")));
            rig.services(web("2", port));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2");
            ProcessHandle gateway = ProcessHandle.of(gatewayPid(rig)).orElseThrow();
            gateway.destroyForcibly();
            gateway.onExit().join();
            awaitBack(rig, port);
            Load after = new Load(port);
            nothingLost(after, "2");
        }
    }

    /** As what cleans up folders for running programs may do it. */
    @Test
    void socketsThatWereRemovedAreMadeAgain() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            long agent = rig.agentPid();
            long gateway = gatewayPid(rig);
            Load load = new Load(port);
            for (String version : List.of("2", "3")) { // once more: of a socket that was made again
                ok(rig.run("rm", "-rf", rig.environment.get("ROLLOUT_RUNTIME_DIR")));
                rig.services(web(version, port));
                ok(rig.rollout("up", "web"));
                assertEquals(agent, rig.agentPid(), "the same agent answers");
                assertEquals(gateway, gatewayPid(rig), "the same gateway answers");
            }
            nothingLost(load, "1", "2", "3");
            ok(rig.rollout("agent", "stop"));
            assertEquals(69, rig.rollout("agent", "status").exit(), "it takes the new socket with it");
        }
    }

    /** Three generations of the gateway, a rollout in between, and one that dies while it takes over. */
    @Test
    void anUpgradeOfTheGatewayIsNotSeen() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            if (!System.getProperty("user.name").equals("root")) {
                Rig.Ran refused = rig.rollout("gateway", "upgrade");
                assertEquals(77, refused.exit(), refused.all());
                return; // the rest is for root
            }
            long first;
            try (Socket idle = new Socket("127.0.0.1", port)) {
                first = comesBackWhereItsHeirDies(rig, port, "1");
                assertTrue(idle.isConnected());
            }
            long before = requestsCounted(rig, port);
            Load load = new Load(port);
            Rig.Ran upgraded = rig.rollout("gateway", "upgrade");
            ok(upgraded);
            long second = gatewayPid(rig);
            assertTrue(upgraded.out().contains("(pid " + first + ")") && first != second, upgraded.all());
            assertTrue(requestsCounted(rig, port) > 0, "also while both are there");
            rig.services(web("2", port));
            ok(rig.rollout("up", "web")); // the first may still have connections: they are switched, too
            assertEquals(Set.of("2"), answering(load), "nothing reaches the previous, by neither gateway");
            awaitEnd(first);
            ok(rig.rollout("agent", "upgrade")); // and the gateway with it
            awaitEnd(second);
            nothingLost(load, "2");
            assertEquals(
                    load.answered.get(),
                    requestsCounted(rig, port) - before,
                    "each is counted once, and an upgrade forgets none");

            try (Socket idle = new Socket("127.0.0.1", port)) { // keeps the third there
                long third = comesBackWhereItsHeirDies(rig, port, "2");
                assertTrue(idle.isConnected());
                ok(rig.rollout("gateway", "upgrade")); // what came back can be replaced like any other
                assertTrue(gatewayPid(rig) != third);
            }
            rig.services(web("3", port));
            ok(rig.rollout("up", "web"));
            Load last = new Load(port);
            nothingLost(last, "3");
        }
    }

    /** @return its pid */
    private static long comesBackWhereItsHeirDies(Rig rig, int port, String version) throws Exception {
        long elder = gatewayPid(rig);
        Process heir = rig.start("gateway", "take-over");
        while (gatewayPid(rig) == elder) {
            Thread.sleep(10);
        }
        assertEquals(heir.pid(), gatewayPid(rig));
        heir.destroyForcibly();
        heir.waitFor();
        awaitBack(rig, port);
        Load after = new Load(port);
        nothingLost(after, version);
        assertEquals(elder, gatewayPid(rig), "it has come back");
        return elder;
    }

    private static long requestsCounted(Rig rig, int port) throws Exception {
        String series = "rollout_gateway_requests_total{project=\"" + rig.project
                + "\",service=\"web\",listen=\"127.0.0.1:" + port + "\"} ";
        List<String> lines = rig.rollout("gateway", "metrics")
                .out()
                .lines()
                .filter(line -> line.startsWith(series))
                .toList();
        assertEquals(1, lines.size(), "a series is there once: " + lines);
        return Long.parseLong(lines.getFirst().substring(series.length()));
    }

    /** Which versions answer from now on: a few answers may be on their way to be counted still. */
    private static Set<String> answering(Load load) throws InterruptedException {
        for (int more : List.of(20, 80)) {
            long answered = load.answered.get();
            load.versions.clear();
            while (load.answered.get() < answered + more && load.failures.isEmpty()) {
                Thread.sleep(5);
            }
        }
        return load.versions.keySet();
    }

    private static void awaitBack(Rig rig, int port) throws Exception {
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

    private static void awaitEnd(long pid) throws Exception {
        ProcessHandle.of(pid)
                .ifPresent(handle ->
                        handle.onExit().orTimeout(40, TimeUnit.SECONDS).join());
    }

    @Test
    void stopFirstHoldsTheRequestsMeanwhile() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            rig.services(web("2", port));
            Load load = new Load(port);
            Rig.Ran ran = rig.rollout("up", "web", "--order", "stop-first");
            ok(ran);
            nothingLost(load, "1", "2");
            assertTrue(!ran.out().contains(" 0 held"), ran.all());

            ok(rig.rollout("pause", "web"));
            Load paused = new Load(port);
            Thread.sleep(1000);
            assertEquals(0, paused.answered.get(), "paused");
            ok(rig.rollout("resume", "web"));
            while (paused.answered.get() < 101) {
                Thread.sleep(10);
            }
            nothingLost(paused, "2");
        }
    }

    @Test
    void aContainerThatComesBackWithAnotherAddressIsFollowed() throws Exception {
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            String id = rig.containers("web").getFirst().id();
            String before = rig.inspect(id).at("/NetworkSettings/Networks").toString();
            ok(rig.docker("stop", id));
            ok(rig.docker(
                    "run",
                    "-d",
                    "--name",
                    rig.project + "-squatter",
                    "--label",
                    "com.docker.compose.project=" + rig.project,
                    "--network",
                    rig.project + "_default",
                    "rollout-examples/busybox:1",
                    "sleep",
                    "100"));
            ok(rig.docker("start", id));
            Thread.sleep(1000);
            assertTrue(
                    !before.equals(
                            rig.inspect(id).at("/NetworkSettings/Networks").toString()),
                    "another address");
            Load load = new Load(port);
            nothingLost(load, "1");

            ok(rig.compose("down"));
            boolean free = false;
            for (int i = 0; i < 100 && !free; i++) {
                try (ServerSocket socket = new ServerSocket()) {
                    socket.setReuseAddress(true);
                    socket.bind(new java.net.InetSocketAddress("127.0.0.1", port));
                    free = true;
                } catch (IOException e) {
                    Thread.sleep(50);
                }
            }
            assertTrue(free, "the port is given back when the service is gone");
        }
    }

    /** The examples with another proxy: their service has no ports, and is drained before its SIGTERM. */
    @ParameterizedTest
    @ValueSource(strings = {"caddy", "nginx"})
    void behindAnotherProxyNothingIsLostEither(String proxy) throws Exception {
        String file = Path.of("..", "compose-examples", proxy, "compose.yaml")
                .toRealPath()
                .toString();
        try (Rig rig = new Rig()) {
            String image =
                    rig.run(Rig.ROOT.resolve("scripts/proxy-images").toString()).out();
            int port = freePort();
            Path values = rig.folder.resolve("values.env");
            Load load = null;
            for (String version : List.of("1", "2", "3")) {
                Files.writeString(values, "PROXY_IMAGE=" + image + "\nPORT=127.0.0.1:" + port + "\nVERSION=" + version);
                ok(rig.rollout("up", "-f", file, "-p", rig.project, "--env-file", values.toString(), "web"));
                if (load == null) {
                    ok(rig.compose(
                            "-f",
                            file,
                            "-p",
                            rig.project,
                            "--env-file",
                            values.toString(),
                            "up",
                            "-d",
                            "--no-deps",
                            "proxy"));
                    awaitPort(port);
                    load = new Load(port);
                }
                Thread.sleep(500);
            }
            nothingLost(Objects.requireNonNull(load), "version 1", "version 2", "version 3");
        }
    }

    private static void awaitPort(int port) throws Exception {
        for (int i = 0; i < 250; i++) {
            try (Socket socket = new Socket("127.0.0.1", port)) {
                socket.setSoTimeout(1000);
                socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes());
                if (new String(socket.getInputStream().readNBytes(12)).endsWith("200")) {
                    return;
                }
            } catch (IOException e) {
                // Docker publishes before the proxy listens
            }
            Thread.sleep(20);
        }
        throw new IOException("the proxy does not answer");
    }

    @Test
    void aPortThatSomebodyElseHoldsIsRefusedBeforeAnythingIsStarted() throws Exception {
        try (Rig rig = new Rig();
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            rig.services(web("1", taken.getLocalPort()));
            Rig.Ran ran = rig.rollout("up", "web");
            assertEquals(2, ran.exit(), ran.all());
            assertTrue(
                    ran.err()
                            .contains("held by java (pid "
                                    + ProcessHandle.current().pid()),
                    ran.all());
            assertTrue(rig.containers("web").isEmpty());
        }
    }
}
