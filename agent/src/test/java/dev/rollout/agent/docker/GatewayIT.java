package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

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

    private static long gatewayPid(Rig rig) throws Exception {
        return new ObjectMapper()
                .readTree(rig.rollout("gateway", "status", "--format", "json").out())
                .path("pid")
                .asLong();
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
            rig.services(Rig.web("bad", "ports: [\"127.0.0.1:" + port + ":8080\"]\n")
                    .replace("httpd -f", "sleep 1; exit 1;"));
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
            ProcessHandle gateway = ProcessHandle.of(pid).orElseThrow();
            gateway.destroyForcibly();
            gateway.onExit().join();
            long start = System.nanoTime();
            boolean back = false;
            while (!back && System.nanoTime() - start < 10_000_000_000L) {
                try (var socket = new java.net.Socket("127.0.0.1", port)) {
                    back = socket.isConnected();
                } catch (IOException e) {
                    Thread.sleep(20);
                }
            }
            assertTrue(
                    back,
                    "the gateway came back: " + rig.rollout("gateway", "status").all());
            Load again = new Load(port);
            nothingLost(again, "2");
        }
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
