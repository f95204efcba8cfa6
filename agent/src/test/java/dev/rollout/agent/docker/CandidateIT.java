package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What candidates can do to a rollout: the previous version serves on. */
class CandidateIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    @Test
    void aCandidateThatTheHostHasNoRoomForIsNotStarted() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("up", "web").exit());
            String id = rig.containers("web").getFirst().id();

            rig.services(Rig.web("2", "mem_limit: 100000g\n"));
            Rig.Ran refused = rig.rollout("up", "web");

            assertEquals(1, refused.exit(), refused.all());
            assertTrue(refused.out().contains("not enough memory for two versions at once"), refused.all());
            assertTrue(refused.out().contains("nothing was started"), refused.all());
            assertEquals(id, rig.containers("web").getFirst().id());
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            crashes at once        | exit 3                                             | exited with code 3   |
            crashes after a while  | sleep 1; exit 4                                    | exited with code 4   |
            hangs                  | sleep 1000                                         | nothing listens      |
            listens elsewhere      | httpd -f -p 9090                                   | listens on 9090      |
            answers 404            | httpd -f -p 8080 -h /bin                           | 404                  |
            accepts, never answers | nc -ll -p 8080 -e sleep 100                        | timed out            |
            ready, then dies       | mkdir /w; echo 2 > /w/index.html; httpd -p 8080 -h /w; sleep 2; exit 5 | exited with code 5 | monitor
            """)
    void aBadCandidateLeavesThePreviousUntouched(String name, String command, String told, String monitor)
            throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("up", "web").exit());
            String id = rig.containers("web").getFirst().id();
            String bad = Rig.web("2", "")
                    .replaceFirst("command: .*", "command: [\"sh\", \"-c\", \"" + command + "\"]")
                    .replace("deadline: 8s", "timeout: 500ms, deadline: 3s");
            rig.services(bad);
            List<String> args = new ArrayList<>(List.of("up", "web"));
            if (monitor != null) {
                args.addAll(List.of("--monitor", "4s"));
            }
            Rig.Ran ran = rig.rollout(args.toArray(String[]::new));
            assertEquals(1, ran.exit(), ran.all());
            assertTrue(ran.all().contains(told), ran.all());
            assertTrue(ran.out().contains("the previous version serves"), ran.all());
            assertEquals("1", rig.one("web"));
            assertEquals(id, rig.containers("web").getFirst().id(), "the previous is untouched");
        }
    }

    /** Every start of a bot is a login, and logins are counted: a candidate that dies is not started over and over. */
    @Test
    void aCandidateInACrashLoopIsNotStartedAgainAndAgain() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("up", "web").exit());
            String loops = Rig.web("2", "volumes: [\"./:/rig\"]\n")
                    .replace("unless-stopped", "always")
                    .replaceFirst("command: .*", "command: [\"sh\", \"-c\", \"echo x >>/rig/starts; exit 3\"]");
            rig.services(loops);
            Rig.Ran ran = rig.rollout("up", "web");
            assertEquals(1, ran.exit(), ran.all());
            long starts = Files.readAllLines(rig.folder.resolve("starts")).size();
            assertTrue(starts >= 1 && starts <= 3, "the Engine may be quicker once or twice: " + starts);
            assertEquals("1", rig.one("web"));
        }
    }

    @Test
    void anImageThatDoesNotExistStartsNothing() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", ""));
            assertEquals(0, rig.rollout("up", "web").exit());
            Rig.Ran ran = rig.rollout("up", "web", "--image", "rollout-examples/no-such:9");
            assertEquals(1, ran.exit(), ran.all());
            assertTrue(ran.out().contains("rollout-examples/no-such:9"), ran.all());
            assertEquals("1", rig.one("web"));
        }
    }
}
