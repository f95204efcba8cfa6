package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
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
