package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.RoleFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An Engine that speaks API 1.44 and newer only, and that is killed with -9 in the middle of a rollout and comes back. */
class EngineDeathIT {
    private static SecondEngine engine;
    private static Rig agent;

    @BeforeAll
    static void start() throws Exception {
        engine = new SecondEngine();
        agent = new Rig();
        agent.environment.put("DOCKER_HOST", engine.host);
    }

    @AfterAll
    static void stop() throws Exception {
        agent.close();
        engine.close();
    }

    /** The second Engine's containers cannot be reached by address: its network is its own. */
    private static String service(String version, String restart) {
        return "web:\n  image: rollout-examples/busybox:1\n  command: [\"sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1000 & wait\"]\n  environment: {VERSION: \""
                + version + "\"}\n  restart: \"" + restart + "\"\n  stop_signal: SIGKILL\n"
                + "  x-rollout: {readiness: {exec: [\"true\"], deadline: 20s}}\n";
    }

    @Test
    void anEngineThatRefusesOldClientsIsSpokenToInItsOwnVersion() throws Exception {
        try (Rig rig = new Rig(agent)) {
            assertTrue(
                    rig.docker("version", "--format", "{{.Server.MinAPIVersion}}")
                            .out()
                            .equals("1.44"),
                    "the Engine must be one that refuses old clients");
            rig.services(service("1", "no"));
            Rig.Ran first = rig.rollout("up");
            assertEquals(0, first.exit(), first.all());
            assertTrue(rig.rollout("doctor").out().contains("API 1.45"));
            rig.services(service("2", "no"));
            Rig.Ran second = rig.rollout("up");
            assertEquals(0, second.exit(), second.all());
            assertEquals("2", rig.containers("web").getFirst().version());
            String rolled = rig.containers("web").getFirst().id();
            assertEquals(0, rig.compose("up", "-d").exit());
            assertEquals(rolled, rig.containers("web").getFirst().id(), "compose up -d must change nothing");
        }
    }

    @TestFactory
    Stream<DynamicTest> killedWhenAPhaseBegins() {
        // a daemon that was killed starts "always" again, and neither "no" nor, against its documentation,
        // "unless-stopped"
        return Stream.of(
                        "STARTING always",
                        "PROBING no",
                        "PROMOTING always",
                        "PROMOTING no",
                        "DRAINING no",
                        "RETIRING always",
                        "RETIRING no",
                        "SETTLING always")
                .map(kase -> DynamicTest.dynamicTest(kase, () -> {
                    String[] words = kase.split(" ");
                    killedAt(words[0], words[1]);
                }));
    }

    private static void killedAt(String phase, String restart) throws Exception {
        try (Rig rig = new Rig(agent)) {
            rig.services(service("1", restart));
            assertEquals(0, rig.rollout("up").exit());
            rig.services(service("2", restart));
            Rig.Blow blow = engine.blow();
            Process up = rig.start("up", "--progress", "json");
            String story = Rig.at(phase, up, blow);
            int exit = up.waitFor();
            engine.awaitAnswer();
            List<Rig.Container> left = rig.containers("web");
            assertEquals(1, left.size(), story + "\n" + left);
            assertTrue(exit == 0 || exit == 1, story);
            assertEquals(exit == 0 ? "2" : "1", left.getFirst().version(), story);
            assertTrue(left.getFirst().running(), story + "\n" + left);
            assertEquals(rig.project + "-web-1", left.getFirst().name(), story);
            assertEquals(restart, left.getFirst().restart(), story);
        }
    }

    /** A reboot takes the agent, the watcher, the Engine, all containers and shared memory; the disk stays. */
    @ParameterizedTest
    @ValueSource(strings = {"PROBING", "PROMOTING", "DRAINING", "RETIRING"})
    void aRebootInMidRolloutEndsInOneActiveVersion(String phase) throws Exception {
        try (Rig rig = new Rig(agent)) {
            String handover = ", handover: {mode: broadcast}}";
            rig.services(service("1", "always").replace("}}\n", "}" + handover + "\n"));
            Rig.Ran first = rig.rollout("up");
            assertEquals(0, first.exit(), first.all());
            rig.services(service("2", "always").replace("}}\n", "}" + handover + "\n"));
            Path shared = Path.of("/dev/shm", agent.project, rig.project, "web");
            long pid = rig.agentPid();
            Rig.Blow power = engine.blow();
            Process up = rig.start("up", "--progress", "json");
            Rig.at(phase, up, () -> {
                ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
                up.toHandle().destroyForcibly(); // its streams stay open
                power.strike();
                try (var files = Files.list(shared)) {
                    for (Path file : files.filter(Files::isRegularFile).toList()) {
                        Files.delete(file);
                    }
                }
            });
            engine.awaitAnswer();
            assertEquals(0, rig.rollout("agent", "start").exit());
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            List<Rig.Container> left = rig.containers("web");
            while ((left.size() != 1 || !left.getFirst().running()) && System.nanoTime() < deadline) {
                Thread.sleep(200);
                left = rig.containers("web");
            }
            assertEquals(1, left.size(), left.toString());
            assertEquals(rig.project + "-web-1", left.getFirst().name());
            assertEquals("always", left.getFirst().restart());
            String name = rig.docker(
                            "inspect",
                            "-f",
                            "{{range .Config.Env}}{{println .}}{{end}}",
                            left.getFirst().id())
                    .out()
                    .lines()
                    .filter(line -> line.startsWith("ROLLOUT_INSTANCE="))
                    .findFirst()
                    .orElseThrow()
                    .substring("ROLLOUT_INSTANCE=".length());
            try (ClaimsDatabase rows = ClaimsDatabase.open(shared.resolve(ClaimsDatabase.NAME))) {
                assertEquals(name, rows.scope().active(), "who runs is who acts");
            }
            Path json = Path.of(agent.environment.get("ROLLOUT_STATE_DIR"), "roles", rig.project, "web", RoleFile.NAME);
            assertEquals(name, RoleFile.read(json).orElseThrow().scope().active());
        }
    }
}
