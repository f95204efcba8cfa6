package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The example bot under 200 events a second: rolled, undone, its agent killed, its candidate bad. */
class HandoverIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    private static final Pattern REPORT = Pattern.compile("events=(\\d+) unanswered=(\\d+) twice=(\\d+) .*");
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    static String bot(String version) {
        return """
                gateway:
                  image: rollout-examples/apps:1
                  command: [dev.rollout.examples.EventGateway]
                  x-rollout: {readiness: {tcp: {port: 7000}}}
                bot:
                  image: rollout-examples/apps:1
                  command: [%s]
                  environment: {GATEWAY_HOST: gateway, VERSION: "%s"}
                  restart: unless-stopped
                  stop_grace_period: 5s
                  depends_on: [gateway]
                  x-rollout:
                    readiness: {role: true, deadline: 20s}
                    handover: {mode: broadcast}
                """.formatted(
                        version.equals("bad") ? "dev.rollout.examples.NoSuchBot" : "dev.rollout.examples.Bot", version);
    }

    private static String ask(Rig rig, String line) throws Exception {
        return ask(rig, "gateway", line);
    }

    private static String ask(Rig rig, String service, String line) throws Exception {
        String address = rig.address(rig.project + "-" + service + "-1");
        try (Socket socket = new Socket(address, 7000);
                PrintWriter out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8);
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
            out.println(line);
            return line.equals("REPORT") ? String.valueOf(in.readLine()) : "";
        }
    }

    /** Lets the last rollout settle, ends the events, and asks what became of them: late is not lost. */
    private static String afterTheLoad(Rig rig, String service, long settleMillis) throws Exception {
        Thread.sleep(settleMillis);
        ask(rig, service, "STOP");
        long end = System.nanoTime() + PATIENCE_NANOS;
        String report;
        do {
            Thread.sleep(1000); // after the last answer, too: a second one would come late
            report = ask(rig, service, "REPORT");
        } while (!report.contains("unanswered=0") && System.nanoTime() < end);
        return report;
    }

    /** @param least how many events are too few to prove anything */
    private static void eachAnsweredOnce(String report, int least) {
        Matcher figures = REPORT.matcher(report);
        assertTrue(figures.matches(), report);
        assertTrue(Integer.parseInt(figures.group(1)) > least, report);
        assertEquals("0", figures.group(2), "unanswered: " + report);
        assertEquals("0", figures.group(3), "answered twice: " + report);
    }

    @Test
    void everyEventIsAnsweredOnceThroughRolloutsUndoAKilledAgentAndABadCandidate() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(bot("1"));
            Rig.Ran first = rig.rollout("up", "bot");
            assertEquals(0, first.exit(), first.all());
            ask(rig, "START");
            ask(rig, "BEHIND"); // what is under way to it now, only it will see
            rig.services(bot("2"));
            assertEquals(0, rig.rollout("up", "bot").exit());
            rig.services(bot("bad"));
            Rig.Ran bad = rig.rollout("up", "bot");
            assertEquals(1, bad.exit(), bad.all());
            assertTrue(bad.all().contains("NoSuchBot"), "the log is shown: " + bad.all());
            Rig.Ran undo = rig.rollout("undo", "bot");
            assertEquals(0, undo.exit(), undo.all());
            rig.services(bot("3"));
            long agent = rig.agentPid();
            Process up = rig.start("up", "bot", "--progress", "json");
            BufferedReader lines = up.errorReader();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.contains("\"intent\"") && line.contains("\"PROMOTING\"")) {
                    ProcessHandle.of(agent).ifPresent(ProcessHandle::destroyForcibly);
                }
            }
            assertEquals(0, up.waitFor());
            String report = afterTheLoad(rig, "gateway", 1000);
            eachAnsweredOnce(report, 1000);
            assertEquals(1, rig.containers("bot").size());
            assertEquals("3", rig.containers("bot").getFirst().version());
        }
    }

    /** What the dead instance has said of itself stays in the claims: the next one must not have its name. */
    @Test
    void aLostJournalDoesNotMakeTheDeadSpeakForTheLiving() throws Exception {
        try (Rig rig = new Rig()) {
            rig.services(bot("1"));
            Rig.Ran first = rig.rollout("up", "gateway", "bot");
            assertEquals(0, first.exit(), first.all());
            rig.services(bot("2"));
            assertEquals(0, rig.rollout("up", "bot").exit());
            long highest = generation(rig);

            loseTheJournal(rig);
            rig.services(bot("3"));
            Rig.Ran next = rig.rollout("up", "bot");
            assertEquals(0, next.exit(), next.all());
            assertTrue(generation(rig) > highest, "above what runs: " + generation(rig));

            loseTheJournal(rig);
            rig.docker("rm", "-f", rig.project + "-bot-1"); // it was ready, and said so
            String silent =
                    bot("4").replace("examples.Bot]", "examples.EventGateway]").replace("20s", "3s");
            rig.services(silent);
            Rig.Ran refused = rig.rollout("up", "bot");
            assertEquals(1, refused.exit(), refused.all());
            assertTrue(refused.all().contains("never called ready()"), refused.all());
        }
    }

    private static long generation(Rig rig) throws Exception {
        return rig.inspect(rig.containers("bot").getFirst().id())
                .at("/Config/Labels/dev.rollout.generation")
                .asLong();
    }

    private static void loseTheJournal(Rig rig) throws Exception {
        assertEquals(0, rig.rollout("agent", "stop").exit());
        assertEquals(
                0,
                rig.run("rm", "-rf", rig.environment.get("ROLLOUT_STATE_DIR")).exit());
    }

    /** Two users of one host, each with an agent: their bots would not know of each other's claims. */
    @Test
    void rolesThatAnotherAgentKeepsAreNotHandedOver() throws Exception {
        try (Rig rig = new Rig();
                Rig other = new Rig()) {
            rig.services(bot("1"));
            Rig.Ran first = rig.rollout("up", "gateway", "bot");
            assertEquals(0, first.exit(), first.all());
            String before = rig.containers("bot").getFirst().id();

            rig.services(bot("2"));
            Files.copy(rig.folder.resolve("compose.yaml"), other.folder.resolve("compose.yaml"));
            for (String verb : List.of("plan", "up")) {
                Rig.Ran refused = other.rollout(verb, "bot");
                assertEquals(4, refused.exit(), refused.all());
                assertTrue(refused.err().contains(rig.environment.get("ROLLOUT_SHM_DIR")), refused.all());
                assertTrue(refused.err().contains("--order stop-first"), refused.all());
            }
            assertEquals(
                    List.of(before),
                    rig.containers("bot").stream().map(Rig.Container::id).toList());

            Rig.Ran given = other.rollout("up", "bot", "--order", "stop-first");
            assertEquals(0, given.exit(), given.all());
            assertEquals(
                    List.of("2"),
                    rig.containers("bot").stream().map(Rig.Container::version).toList());
            rig.services(bot("3"));
            Files.writeString(
                    other.folder.resolve("compose.yaml"), Files.readString(rig.folder.resolve("compose.yaml")));
            Rig.Ran next = other.rollout("up", "bot");
            assertEquals(0, next.exit(), next.all());
            assertEquals(4, rig.rollout("up", "bot", "--force").exit(), "it is the other's now");
        }
    }

    /** As often as {@code -Drollout.soak=N} says; {@code scripts/soak} says 100. */
    @Test
    void rolloutsInARowLoseNothingAndDoNothingTwice() throws Exception {
        int rollouts = Integer.getInteger("rollout.soak", 5);
        try (Rig rig = AGENT.rig()) {
            for (int version = 0; version <= rollouts; version++) {
                rig.services(bot("v" + version));
                Rig.Ran up = rig.rollout("up", "bot");
                assertEquals(0, up.exit(), up.all());
                ask(rig, "START");
            }
            String report = afterTheLoad(rig, "gateway", 500);
            System.out.println(rollouts + " rollouts in a row: " + report);
            eachAnsweredOnce(report, 100 * rollouts);
            assertEquals("v" + rollouts, rig.containers("bot").getFirst().version());
        }
    }

    /** The bots of compose-examples/clients, with an old SQLite among them: the claims move while they answer. */
    @Test
    void aBotInEveryLanguageIsRolledWithNothingLostAndNothingTwice() throws Exception {
        Path clients =
                Path.of("..", "compose-examples", "clients", "compose.yaml").toRealPath();
        String image = script("language-images");
        try (Rig rig = AGENT.rig()) {
            for (String bot : List.of("python", "node", "shell")) {
                nothingLostNothingTwice(rig, clients, image, bot);
            }
        }
    }

    /** A bot without SQLite: the sidecar in its container speaks the contract for it. */
    @Test
    void aBotBehindItsSidecarIsRolledWithNothingLostAndNothingTwice() throws Exception {
        Path sidecar =
                Path.of("..", "compose-examples", "sidecar", "compose.yaml").toRealPath();
        String image = script("language-images");
        script("sidecar-image");
        try (Rig rig = AGENT.rig()) {
            nothingLostNothingTwice(rig, sidecar, image, "bot");
        }
    }

    private static String script(String name) throws Exception {
        Process script = new ProcessBuilder("../scripts/" + name)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, script.waitFor(), said);
        return said;
    }

    private static void nothingLostNothingTwice(Rig rig, Path file, String image, String bot) throws Exception {
        for (String version : List.of("1", "2", "3")) {
            String environment = String.join(
                    "\n", "PYTHON_IMAGE=" + image, "NODE_IMAGE=" + image, "SHELL_IMAGE=" + image, "VERSION=" + version);
            Path values = Files.writeString(rig.folder.resolve("images.env"), environment);
            Rig.Ran up =
                    rig.rollout("up", "-f", file.toString(), "-p", rig.project, "--env-file", values.toString(), bot);
            assertEquals(0, up.exit(), up.all());
            ask(rig, "START");
            if (version.equals("1")) {
                ask(rig, "BEHIND"); // what is under way to it now, only it will see
            }
        }
        String report = afterTheLoad(rig, "gateway", 500);
        eachAnsweredOnce(report, 100);
        for (String generation : List.of("-g2-1", "-g4-1", "-g6-1")) {
            assertTrue(report.contains(bot + generation), "each of them answered: " + report);
        }
        rig.docker("rm", "-f", rig.containers(bot).getFirst().id());
    }

    /**
     * JDA against a stand-in for Discord: two sessions with one token, logins counted. The connection is lost and
     * resumed, also while the next one logs in, so that only the previous gets what came in between, and gets it late.
     */
    @Test
    void aDiscordBotAnswersEveryMessageOnceAndKeepsItsLoginBudget() throws Exception {
        Path file = Path.of("..", "compose-examples", "discord", "compose.yaml").toRealPath();
        try (Rig rig = AGENT.rig()) {
            for (String version : List.of("1", "2", "3")) {
                Path values = Files.writeString(rig.folder.resolve("version.env"), "VERSION=" + version);
                Rig.Ran up = rig.rollout(
                        "up", "-f", file.toString(), "-p", rig.project, "--env-file", values.toString(), "bot");
                assertEquals(0, up.exit(), up.all());
                ask(rig, "discord", "START");
                ask(rig, "discord", version.equals("1") ? "BEHIND" : "DROP");
            }
            String report = afterTheLoad(rig, "discord", 3000);
            eachAnsweredOnce(report, 200);
            assertTrue(report.contains("identifies=3 tooSoon=0 resumes=3 repeatedNonces=0"), report);
        }
    }
}
