package dev.rollout.agent.docker;

import static dev.rollout.agent.docker.Published.awaitAnswer;
import static dev.rollout.agent.docker.Published.awaitBack;
import static dev.rollout.agent.docker.Published.bad;
import static dev.rollout.agent.docker.Published.freePort;
import static dev.rollout.agent.docker.Published.gatewayPid;
import static dev.rollout.agent.docker.Published.nothingLost;
import static dev.rollout.agent.docker.Published.ok;
import static dev.rollout.agent.docker.Published.said;
import static dev.rollout.agent.docker.Published.web;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Published ports under load, through everything that can happen to them: not one request is lost. */
class GatewayIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    @Test
    void aServiceWithPublishedPortsRollsWithoutALostRequest() throws Exception {
        try (Rig rig = AGENT.rig()) {
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
        String before = rig.address(one);
        boolean higher = lastNumber(before) > lastNumber(rig.address(other));
        ok(rig.docker("stop", one, other));
        ok(rig.docker("start", higher ? one : other, higher ? other : one));
        assertNotEquals(before, rig.address(one), "this proves nothing where the addresses stay");
    }

    private static int lastNumber(String address) {
        return Integer.parseInt(address.strip().replaceFirst(".*\\.", ""));
    }

    private static boolean listens(int port) {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
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

    /**
     * Two loads at once, rollout after rollout; the agent killed with -9 in some of them, the gateway replaced during
     * some. As often as {@code -Drollout.soak=N} says; {@code scripts/soak} says 30.
     */
    @Test
    void rolloutsInARowUnderTwoLoadsLoseNothing() throws Exception {
        int rollouts = Integer.getInteger("rollout.soak", 4);
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(app("0", port));
            ok(rig.rollout("up", "web"));
            Load load = rollouts > 10 ? new Load(port, 0) : new Load(port);
            Uploads uploads = new Uploads(port);
            for (int i = 1; i <= rollouts; i++) {
                rig.services(app("v" + i, port));
                long agent = rig.agentPid();
                boolean kill = i % 4 == 2;
                Process upgrade =
                        Rig.BY_ROOT && i % 4 == 3 ? rig.start("gateway", "upgrade") : null; // in the middle of it
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
        try (Rig rig = AGENT.rig()) {
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

    /** A checkout that is removed after the deploy, as CI does it: who was started there goes on, and starts others. */
    @Test
    void theFolderThatTheAgentWasStartedInMayGo() throws Exception {
        try (Rig rig = new Rig()) {
            Path checkout = Files.createDirectory(rig.folder.resolve("checkout"));
            ok(rig.run(
                    "sh", "-c", "cd checkout && ROLLOUT_RUNTIME_DIR=../run exec " + Rig.launcher() + " agent start"));
            Files.delete(checkout);
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            ProcessHandle gateway = ProcessHandle.of(gatewayPid(rig)).orElseThrow();
            gateway.destroyForcibly();
            gateway.onExit().join();
            awaitBack(rig, port);
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
            if (!Rig.BY_ROOT) {
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
            rig.services(web("2", port).replace("  ports: [", "  deploy: {replicas: 0}\n  ports: ["));
            ok(rig.rollout("up", "web"));
            rig.services(web("3", port));
            Rig.Ran anew = rig.rollout("up", "web");
            ok(anew);
            assertFalse(anew.all().contains("requests meanwhile"), "those of a port that was gone: " + anew.all());
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

    private static void awaitEnd(long pid) throws Exception {
        ProcessHandle.of(pid)
                .ifPresent(handle ->
                        handle.onExit().orTimeout(40, TimeUnit.SECONDS).join());
    }

    @Test
    void stopFirstHoldsTheRequestsMeanwhile() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            String hold = "x-rollout: {ports: {\"" + port + "\": {hold: 30s}}, "; // on a busy machine it takes a while
            rig.services(web("1", port).replace("x-rollout: {", hold));
            ok(rig.rollout("up", "web"));
            rig.services(web("2", port).replace("x-rollout: {", hold));
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
        try (Rig rig = AGENT.rig()) {
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
        try (Rig rig = AGENT.rig()) {
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
}
