package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What must not be two at once: versions, rollouts, and what only one can have. */
class AtOnceIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

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

    /** Postgres in two containers does not notice that both have its data, and what Redis has in memory only one has. */
    @Test
    void aStoreOfDataIsNeverTwo() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String image = rig.project + "/postgres:16";
            assertEquals(
                    0, rig.docker("tag", "rollout-examples/busybox:1", image).exit());
            // a lock that two processes of one kernel see
            String store = "volumes: [data:/data]\n";
            String alone = "mkdir /data/lock || exit 9; trap 'rmdir /data/lock; exit' TERM; mkdir -p";
            for (String version : List.of("1", "2")) {
                rig.services(
                        Rig.web(version, store)
                                .replace("rollout-examples/busybox:1", image)
                                .replace("mkdir -p", alone)
                                .replace("exec httpd -f", "httpd")
                                .replace("/tmp/w\"]", "/tmp/w; while true; do sleep 0.1; done\"]")
                                .replace("stop_signal: SIGKILL", "stop_signal: SIGTERM"),
                        "volumes: {data: }\n");
                Rig.Ran up = rig.rollout("up", "web");
                assertEquals(0, up.exit(), up.all());
                assertEquals(version, rig.one("web"));
            }
            rig.removeContainers();
            rig.docker("rmi", image);
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
            rig.services(web + db("1") + job("migrate", "echo done"));
            Rig.Ran first = rig.rollout("up", "web");
            assertEquals(0, first.exit(), first.all());
            assertTrue(first.all().contains("init: completed successfully"), first.all());
            assertTrue(first.all().contains("migrate: completed successfully"), first.all());
            String before = rig.containers("web").getFirst().id();
            Rig.Ran again = rig.rollout("up");
            assertEquals(0, again.exit(), again.all());
            assertTrue(again.all().contains("migrate: completed before"), again.all());
            assertEquals(before, rig.containers("web").getFirst().id());

            String db = db("2");
            rig.services(web + db + job("migrate", "echo done"));
            assertEquals(
                    2,
                    rig.rollout("up", "web", "db", "--dry-run").out().split("keep the previous", -1).length - 1,
                    "the plan says so");
            assertTrue(rig.rollout("plan", "web").out().contains("migrate:\n  run it to its end"));
            assertEquals(0, rig.rollout("up", "web", "db").exit());
            assertEquals("2", rig.one("db"));
            String after = rig.containers("web").getFirst().id();
            assertNotEquals(before, after, "it is to begin anew after its database");

            rig.services(web.replace("\"1\"", "\"2\"") + db + job("migrate", "echo no such table; exit 3"));
            Rig.Ran failed = rig.rollout("up", "web");
            assertEquals(1, failed.exit(), failed.all());
            assertTrue(
                    failed.all().contains("exited with code 3") && failed.all().contains("no such table"),
                    failed.all());
            assertEquals(after, rig.containers("web").getFirst().id());

            rig.services(web.replace("\"1\"", "\"2\"") + db + job("migrate", "sleep 4; echo done"));
            Process up = rig.start("up", "web");
            String half = migration(rig);
            ProcessHandle.of(rig.agentPid()).orElseThrow().destroyForcibly();
            rig.finish(up);
            Rig.Ran resumed = rig.rollout("up", "web");
            assertEquals(0, resumed.exit(), resumed.all());
            assertEquals(half, rig.containers("migrate").getFirst().id(), "it is not begun a second time");
            assertEquals("2", rig.one("web"));

            rig.services(web + db + job("migrate", "sleep 60"));
            Process endless = rig.start("up", "web");
            migration(rig);
            assertEquals(0, rig.rollout("abort", "web").exit());
            assertEquals(5, rig.finish(endless).exit());
            assertFalse(rig.containers("migrate").getFirst().running());
            assertEquals("2", rig.one("web"));
        }
    }

    /** A database that has something done before it itself. */
    private static String db(String version) {
        return Rig.web(version, "depends_on: {init: {condition: service_completed_successfully}}\n")
                        .replace("web:", "db:")
                + job("init", "echo ready");
    }

    private static String job(String name, String does) {
        return name + ": {image: rollout-examples/busybox:1, stop_signal: SIGKILL, command: [sh, -c, \"" + does
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
}
