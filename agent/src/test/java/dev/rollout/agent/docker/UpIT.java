package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The main job on the real Engine. */
class UpIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    private static void awaitFile(Path file) throws Exception {
        for (long end = System.nanoTime() + 5_000_000_000L; !Files.exists(file); Thread.sleep(20)) {
            assertTrue(System.nanoTime() < end, file + " does not come");
        }
    }

    @Test
    void rollsAndComposeSeesItsOwnContainer() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            Rig.Ran first = rig.rollout("up", "web");
            assertEquals(0, first.exit(), first.all());
            assertEquals("1", rig.one("web"));
            String id = rig.containers("web").getFirst().id();

            Rig.Ran again = rig.rollout("up", "web");
            assertEquals(0, again.exit());
            assertTrue(again.out().contains("nothing to do"), again.all());
            assertEquals(id, rig.containers("web").getFirst().id());

            rig.services(Rig.web("2", ""));
            Rig.Ran second = rig.rollout("up", "web");
            assertEquals(0, second.exit(), second.all());
            assertEquals("2", rig.one("web"));
            String rolled = rig.containers("web").getFirst().id();
            assertNotEquals(id, rolled);

            Rig.Ran up = rig.compose("up", "-d");
            assertEquals(0, up.exit(), up.all());
            assertEquals(
                    rolled, rig.containers("web").getFirst().id(), "compose up -d must change nothing: " + up.all());
            assertTrue(rig.compose("ps", "--format", "json").out().contains(rolled.substring(0, 12)));
            assertEquals(
                    "2",
                    rig.compose("exec", "-T", "web", "cat", "/tmp/w/index.html").out());
            assertEquals(0, rig.compose("logs", "web").exit());

            Rig.Ran undo = rig.rollout("undo", "web");
            assertEquals(0, undo.exit(), undo.all());
            assertEquals("1", rig.one("web"));

            Rig.Ran down = rig.compose("down", "--remove-orphans");
            assertEquals(0, down.exit(), down.all());
            assertEquals(
                    "",
                    rig.docker("ps", "-aq", "--filter", "label=com.docker.compose.project=" + rig.project)
                            .out(),
                    "down removes all; the kept previous as an orphan");
        }
    }

    @Test
    void whatComposeStartedIsGoneBackTo() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String base = rig.project + "-base";
            String image = rig.project + ":";
            rig.docker("create", "--name", base, "rollout-examples/busybox:1", "true");
            try {
                for (String version : List.of("1", "2")) {
                    Rig.Ran made = rig.docker("commit", "--change", "LABEL v=" + version, base, image + version);
                    assertEquals(0, made.exit(), made.all());
                }
                String before = rig.docker("image", "inspect", "-f", "{{.Id}}", image + "1")
                        .out();
                String first = Rig.web("1", "").replace("rollout-examples/busybox:1", image + "1");
                rig.services(first);
                assertEquals(0, rig.compose("up", "-d").exit());
                rig.services(Rig.web("2", "").replace("rollout-examples/busybox:1", image + "2"));
                Rig.Ran up = rig.rollout("up", "web");
                assertEquals(0, up.exit(), up.all());
                assertEquals("2", rig.one("web"));
                assertNotEquals(before, imageOfWeb(rig));

                Rig.Ran undo = rig.rollout("undo", "web");
                assertEquals(0, undo.exit(), undo.all());
                assertEquals("1", rig.one("web"));
                assertEquals(before, imageOfWeb(rig));
                assertEquals(
                        "unless-stopped",
                        rig.inspect(rig.containers("web").getFirst().id())
                                .at("/HostConfig/RestartPolicy/Name")
                                .asText());

                assertEquals(0, rig.rollout("undo", "web").exit(), "and forth again");
                assertEquals("2", rig.one("web"));
                assertEquals(0, rig.rollout("undo", "web").exit(), "and back, to what undo had made");
                assertEquals("1", rig.one("web"));

                String id = rig.containers("web").getFirst().id();
                rig.services(first);
                Rig.Ran same = rig.rollout("up", "web");
                assertTrue(same.out().contains("nothing to do"), "it is what its own file wants: " + same.all());
                assertEquals(0, rig.compose("up", "-d").exit());
                assertEquals(id, rig.containers("web").getFirst().id());
                rig.compose("down", "--remove-orphans");
            } finally {
                rig.docker("rm", "-f", base);
                rig.docker("rmi", image + "1", image + "2");
            }
        }
    }

    private static String imageOfWeb(Rig rig) throws Exception {
        rig.one("web");
        return rig.docker(
                        "inspect",
                        "-f",
                        "{{.Image}}",
                        rig.containers("web").getFirst().id())
                .out();
    }

    @Test
    void withoutAnEarlierVersionThereIsNothingToGoBackTo() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            Rig.Ran never = rig.rollout("undo", "web");
            assertEquals(2, never.exit(), never.all());
            assertTrue(never.err().contains("was never rolled out"), never.all());
            assertEquals(0, rig.rollout("up", "web").exit());

            Rig.Ran refused = rig.rollout("undo", "web");

            assertEquals(2, refused.exit(), refused.all());
            assertTrue(refused.err().contains("no earlier version"), refused.all());
            assertEquals("1", rig.one("web"));
        }
    }

    /**
     * An instance writes down that it was told: the previous to drain, with no shell's help in the third case, or by a
     * doorbell that the roles have changed.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            drain: {exec: [sh, -c, 'touch /rig/told'], wait: 500ms}
            drain: {signal: USR1, wait: 500ms}
            drain: {file: /tmp/drain, wait: 500ms}
            drain: {http: {path: /cgi-bin/told, port: 8080, status: '200'}, wait: 500ms}
            handover: {mode: broadcast, signal: USR1}
            handover: {mode: broadcast, http: {path: /cgi-bin/told, port: 8080}}
            """)
    void anInstanceIsToldInTheWayThatItKnows(String how) throws Exception {
        try (Rig rig = AGENT.rig()) {
            String service = """
                    web:
                      image: rollout-examples/busybox:1
                      volumes: ["./:/rig"]
                      environment: {V: "%s"}
                      command:
                        - sh
                        - -c
                        - |
                          trap 'touch /rig/told' USR1
                          mkdir -p /w/cgi-bin
                          printf '#!/bin/sh\\ntouch /rig/told\\nprintf "Content-Type: text/plain\\\\r\\n\\\\r\\n"\\n' >/w/cgi-bin/told
                          chmod 755 /w/cgi-bin/told
                          httpd -p 8080 -h /w
                          while sleep 0.05; do [ ! -e /tmp/drain ] || touch /rig/told; done
                      stop_grace_period: 1s
                      stop_signal: SIGKILL
                      x-rollout:
                        readiness: {tcp: {port: 8080}}
                        %s
                    """;
            Path told = rig.folder.resolve("told");
            rig.services(service.formatted("1", how));
            Rig.Ran first = rig.rollout("up", "web");
            assertEquals(0, first.exit(), first.all());
            if (how.startsWith("drain")) {
                assertFalse(Files.exists(told), "nobody was told yet");
            } else {
                awaitFile(told); // the first is promoted, too; nobody waits for a doorbell
                Files.delete(told);
            }
            rig.services(service.formatted("2", how));
            Rig.Ran second = rig.rollout("up", "web");
            assertEquals(0, second.exit(), second.all());
            awaitFile(told);
            assertFalse(second.all().contains("failed"), second.all());
        }
    }

    @Test
    void aPreviousThatIgnoresSigtermIsKilledAfterItsGrace() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String deaf =
                    Rig.web("1", "stop_grace_period: 1s\n").replace("stop_signal: SIGKILL", "stop_signal: SIGTERM");
            rig.services(deaf);
            assertEquals(0, rig.rollout("up", "web").exit());
            rig.services(deaf.replace("VERSION: \"1\"", "VERSION: \"2\""));
            assertEquals(0, rig.rollout("up", "web").exit());
            assertEquals("2", rig.one("web"));
        }
    }

    @Test
    void replicasAreReplacedInBatchesAndTheirNumberFollowsTheFile() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String three = "deploy: {replicas: 3, update_config: {parallelism: 2}}\n";
            rig.services(Rig.web("1", three));
            assertEquals(0, rig.rollout("up").exit());
            rig.services(Rig.web("2", three));
            assertEquals(0, rig.rollout("up").exit());
            assertEquals(
                    List.of("2", "2", "2"),
                    rig.containers("web").stream().map(Rig.Container::version).toList());
            rig.services(Rig.web("2", "deploy: {replicas: 1}\n"));
            assertEquals(0, rig.rollout("up").exit());
            assertEquals("2", rig.one("web"));
        }
    }

    @Test
    void containerNameAndStopFirstWork() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String more = "container_name: " + rig.project + "-web-1\nports: [\"127.0.0.1:0:8080/udp\"]\n";
            rig.services(Rig.web("1", more));
            Rig.Ran refused = rig.rollout("up", "web");
            assertEquals(2, refused.exit(), refused.all());
            assertTrue(refused.err().contains("stop-first"), refused.all());
            assertTrue(rig.containers("web").isEmpty());
            assertEquals(0, rig.rollout("up", "web", "--order", "stop-first").exit());
            rig.services(Rig.web("2", more));
            Rig.Ran ran = rig.rollout("up", "web", "--order", "stop-first");
            assertEquals(0, ran.exit(), ran.all());
            assertEquals("2", rig.one("web"));
            Rig.Ran undone = rig.rollout("undo", "web");
            assertEquals(0, undone.exit(), "back as it came: " + undone.all());
            assertEquals("1", rig.one("web"));
            refused = rig.rollout("undo", "web", "--order", "start-first");
            assertEquals(2, refused.exit(), refused.all());
            assertEquals("1", rig.one("web"));
        }
    }

    @Test
    void anAddressOfItsOwnIsNotHadByTwo() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String more = "networks: {lan: {ipv4_address: 10.213.77.9}}\nmac_address: 02:42:0a:d5:4d:09\n";
            String networks = "networks: {lan: {ipam: {config: [{subnet: 10.213.77.0/24}]}}}\n";
            rig.services(Rig.web("1", more), networks);
            Rig.Ran first = rig.rollout("up", "web");
            assertEquals(0, first.exit(), "there is no second yet: " + first.all());
            rig.services(Rig.web("2", more), networks);
            Rig.Ran refused = rig.rollout("up", "web");
            assertEquals(2, refused.exit(), refused.all());
            assertTrue(refused.all().contains("mac_address 02:42:0a:d5:4d:09"), refused.all());
            assertTrue(refused.all().contains("networks.lan.ipv4_address 10.213.77.9"), refused.all());
            assertEquals("1", rig.one("web"));
            Rig.Ran ran = rig.rollout("up", "web", "--order", "stop-first");
            assertEquals(0, ran.exit(), ran.all());
            assertEquals("2", rig.one("web"));
            rig.docker("kill", rig.containers("web").getFirst().id());
            rig.services(Rig.web("3", more), networks);
            Rig.Ran free = rig.rollout("up", "web");
            assertEquals(0, free.exit(), "nobody has it: " + free.all());
            assertEquals("3", rig.one("web"));
        }
    }

    /** A migration, and a database that the service has to be begun anew after. */
    @Test
    void whatItDependsOnComesFirst() throws Exception {
        try (Rig rig = new Rig()) {
            String web = Rig.web(
                    "1",
                    "depends_on: {db: {condition: service_started, restart: true}, migrate: {condition: service_completed_successfully}}\n");
            rig.services(web + Rig.web("1", "").replace("web:", "db:") + job("echo done"));
            Rig.Ran first = rig.rollout("up", "web");
            assertEquals(0, first.exit(), first.all());
            assertTrue(first.all().contains("migrate: completed successfully"), first.all());
            String before = rig.containers("web").getFirst().id();
            Rig.Ran again = rig.rollout("up");
            assertEquals(0, again.exit(), again.all());
            assertTrue(again.all().contains("migrate: completed before"), again.all());
            assertEquals(before, rig.containers("web").getFirst().id());

            String db = Rig.web("2", "").replace("web:", "db:");
            rig.services(web + db + job("echo done"));
            assertEquals(
                    2,
                    rig.rollout("up", "web", "db", "--dry-run").out().split("keep the previous", -1).length - 1,
                    "the plan says so");
            assertEquals(0, rig.rollout("up", "web", "db").exit());
            assertEquals("2", rig.one("db"));
            String after = rig.containers("web").getFirst().id();
            assertNotEquals(before, after, "it is to begin anew after its database");

            rig.services(web.replace("\"1\"", "\"2\"") + db + job("echo no such table; exit 3"));
            Rig.Ran failed = rig.rollout("up", "web");
            assertEquals(1, failed.exit(), failed.all());
            assertTrue(
                    failed.all().contains("exited with code 3") && failed.all().contains("no such table"),
                    failed.all());
            assertEquals(after, rig.containers("web").getFirst().id());

            rig.services(web.replace("\"1\"", "\"2\"") + db + job("sleep 4; echo done"));
            Process up = rig.start("up", "web");
            String half = migration(rig);
            ProcessHandle.of(rig.agentPid()).orElseThrow().destroyForcibly();
            rig.finish(up);
            Rig.Ran resumed = rig.rollout("up", "web");
            assertEquals(0, resumed.exit(), resumed.all());
            assertEquals(half, rig.containers("migrate").getFirst().id(), "it is not begun a second time");
            assertEquals("2", rig.one("web"));

            rig.services(web + db + job("sleep 60"));
            Process endless = rig.start("up", "web");
            migration(rig);
            assertEquals(0, rig.rollout("abort", "web").exit());
            assertEquals(5, rig.finish(endless).exit());
            assertFalse(rig.containers("migrate").getFirst().running());
            assertEquals("2", rig.one("web"));
        }
    }

    private static String job(String does) {
        return "migrate: {image: rollout-examples/busybox:1, stop_signal: SIGKILL, command: [sh, -c, \"" + does
                + "\"]}\n";
    }

    /** The container of the migration, as soon as it runs. */
    private static String migration(Rig rig) throws Exception {
        while (rig.containers("migrate").stream().noneMatch(Rig.Container::running)) {
            Thread.sleep(50);
        }
        return rig.containers("migrate").getFirst().id();
    }

    @Test
    void inASharedNetworkThePreviousDoesNotAnswerForTheCandidate() throws Exception {
        assumeTrue(Rig.BY_ROOT, "only root sees whose a socket is");
        try (Rig rig = AGENT.rig()) {
            for (String version : List.of("1", "2")) {
                rig.services(
                        "anchor: {image: rollout-examples/busybox:1, command: [sleep, \"1000\"], stop_signal: SIGKILL}\n"
                                + Rig.web(version, "network_mode: service:anchor\n")
                                        .replace("exec httpd", "while ! httpd")
                                        .replace("/tmp/w\"]", "/tmp/w 2>/dev/null; do sleep 0.2; done\"]"));
                Rig.Ran up = rig.rollout("up", "web");
                assertEquals(version.equals("1") ? 0 : 1, up.exit(), up.all());
                assertEquals("1", rig.one("web"));
                if (version.equals("2")) {
                    assertTrue(up.all().contains("another process of the shared network"), up.all());
                    assertTrue(up.all().contains("order: stop-first"), up.all());
                }
            }
            Rig.Ran up = rig.rollout("up", "web", "--order", "stop-first");
            assertEquals(0, up.exit(), up.all());
            assertEquals("2", rig.one("web"));

            String web = rig.containers("web").getFirst().id();
            Rig.Ran refused = rig.rollout("up", "anchor", "--force");
            assertEquals(2, refused.exit(), refused.all());
            assertTrue(refused.all().contains(rig.project + "-web-1 would be cut off"), refused.all());
            rig.docker("kill", rig.containers("anchor").getFirst().id());
            Rig.Ran again = rig.rollout("up", "web");
            assertEquals(0, again.exit(), again.all());
            Rig.Container now = rig.containers("web").getFirst();
            assertNotEquals(web, now.id(), "its network had ended");
            assertEquals(
                    "container:" + rig.containers("anchor").getFirst().id(),
                    rig.inspect(now.id()).at("/HostConfig/NetworkMode").asText());
            assertEquals(0, rig.rollout("up", "web").exit());
            assertEquals(now, rig.containers("web").getFirst(), "there is nothing to do any more");
        }
    }

    @Test
    void twoAtOnceOnOneServiceAndTenOnTen() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("agent", "start").exit());
            rig.services(Rig.web("1", "").replace("sh\", \"-c\", \"", "sh\", \"-c\", \"sleep 1; "));
            Process a = rig.start("up", "web");
            Process b = rig.start("up", "web");
            List<Integer> exits = List.of(rig.finish(a).exit(), rig.finish(b).exit()).stream()
                    .sorted()
                    .toList();
            assertEquals(List.of(0, 4), exits);
            assertEquals("1", rig.one("web"));

            StringBuilder ten = new StringBuilder();
            for (int i = 0; i < 10; i++) {
                ten.append(Rig.web("1", "").replaceFirst("web:", "s" + i + ":"));
            }
            rig.services(ten.toString());
            List<Process> all = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                all.add(rig.start("up", "s" + i));
            }
            for (Process process : all) {
                Rig.Ran ran = rig.finish(process);
                assertEquals(0, ran.exit(), ran.all());
            }
        }
    }

    @Test
    void aLockRefusesWithItsReason() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("lock", "web", "--reason", "migration").exit());
            Rig.Ran ran = rig.rollout("up", "web");
            assertEquals(4, ran.exit(), ran.all());
            assertTrue(ran.err().contains("migration"), ran.all());
            assertEquals(0, rig.rollout("unlock", "web").exit());
            assertEquals(0, rig.rollout("up", "web").exit());
        }
    }

    @Test
    void anAbortKeepsThePreviousAndExitsWithFive() throws Exception {
        try (Rig rig = AGENT.rig();
                Rig other = new Rig(rig)) { // of the same name, and begun before
            List<Process> ups = new ArrayList<>();
            for (Rig each : List.of(other, rig)) {
                each.services(Rig.web("1", ""));
                assertEquals(0, each.rollout("up", "web").exit());
                each.services(Rig.web("2", "")
                        .replace("sh\", \"-c\", \"", "sh\", \"-c\", \"sleep 100; ")
                        .replace("deadline: 8s", "deadline: 100s")); // a busy machine comes late to the aborts
                ups.add(each.start("up", "web"));
                while (each.containers("web").size() < 2) {
                    Thread.sleep(50);
                }
            }
            Rig.Ran which = rig.rollout("abort");
            assertEquals(2, which.exit(), which.all());
            assertTrue(which.err().contains(other.project + "/web"), which.all());
            for (Rig each : List.of(rig, other)) {
                Rig.Ran abort = each.rollout("abort", "web");
                assertEquals(0, abort.exit(), abort.all());
                Rig.Ran ran = each.finish(each == rig ? ups.getLast() : ups.getFirst());
                assertEquals(5, ran.exit(), ran.all());
                assertEquals("1", each.one("web"));
                assertEquals(2, each.rollout("abort", "web").exit(), "there is none any more");
            }
        }
    }

    @Test
    void theWatcherMayDieAndComeBack() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", "").replace("sh\", \"-c\", \"", "sh\", \"-c\", \"sleep 2; "));
            assertEquals(0, rig.rollout("agent", "start").exit());
            Process up = rig.start("up", "web");
            while (rig.containers("web").isEmpty()) {
                Thread.sleep(50);
            }
            up.destroyForcibly().waitFor();
            Rig.Ran attached = rig.rollout("attach");
            assertEquals(0, attached.exit(), attached.all());
            assertEquals("1", rig.one("web"));
        }
    }

    @Test
    void aFullStateFolderStartsNothingAndSaysSo() throws Exception {
        assumeTrue(Rig.BY_ROOT, "a small disk is mounted, which root alone may");
        try (Rig rig = new Rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("up", "web").exit());
            assertEquals(0, rig.rollout("agent", "stop").exit());
            var state = rig.folder.resolve("state");
            var small = Files.createDirectory(rig.folder.resolve("small"));
            assertEquals(
                    0,
                    rig.run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small.toString())
                            .exit());
            try {
                rig.run("sh", "-c", "cp " + state + "/journal.db* " + small);
                rig.environment.put("ROLLOUT_STATE_DIR", small.toString());
                assertEquals(0, rig.rollout("agent", "start").exit());
                rig.run(
                        "sh",
                        "-c",
                        "dd if=/dev/zero of=" + small + "/fill bs=64k; rm -f " + small + "/ballast; dd if=/dev/zero of="
                                + small + "/fill2 bs=4k");
                rig.services(Rig.web("2", ""));
                Rig.Ran ran = rig.rollout("up", "web");
                assertEquals(1, ran.exit(), ran.all());
                assertTrue(ran.all().contains("free some space there; nothing was started"), ran.all());
                assertEquals("1", rig.one("web"));
                rig.run("sh", "-c", "rm " + small + "/fill " + small + "/fill2");
                Rig.Ran after = rig.rollout("up", "web");
                assertEquals(0, after.exit(), after.all());
                assertEquals("2", rig.one("web"));
            } finally {
                rig.rollout("agent", "stop");
                rig.environment.put("ROLLOUT_STATE_DIR", state.toString());
                assertEquals(0, rig.run("umount", small.toString()).exit());
            }
            assertFalse(Files.exists(small.resolve("journal.db")));
        }
    }
}
