package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ClaimsTest {
    private static final Duration SOON = Duration.ofSeconds(5);

    @Test
    void oneOfTwoInstancesWins() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            assertInstanceOf(Claim.Claimed.class, a.claim("create:1"));
            assertInstanceOf(Claim.Lost.class, b.claim("create:1"));
            assertInstanceOf(Claim.Lost.class, a.claim("create:1"));
            assertInstanceOf(Claim.Claimed.class, b.claim("delete:1"));
        }
    }

    @Test
    void aFencedInstanceWinsNothing() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            folder.activate("b", 2);
            folder.fence(2);
            assertInstanceOf(Claim.Fenced.class, a.claim("create:1"));
            assertInstanceOf(Claim.Claimed.class, b.claim("create:1"));
            assertTrue(a.awaitRole(Role.STOPPED, SOON));
        }
    }

    @Test
    void aStoreThatIsGoneIsUnavailableAndNeverLost() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            Membership member = folder.member("a", 1);
            ClaimStore store = new ClaimStore(new Membership("p", "s", "a", 1, folder.path.resolve("nowhere"), false));
            assertInstanceOf(Claim.Unavailable.class, store.claim("create:1"));
            for (String part : List.of("", "-wal", "-shm")) {
                Files.delete(folder.path.resolve(ClaimsDatabase.NAME + part));
            }
            Files.writeString(
                    folder.path.resolve(ClaimsDatabase.NAME), "no database, but a long enough text ".repeat(100));
            assertInstanceOf(Claim.Unavailable.class, new ClaimStore(member).claim("create:1"));
        }
    }

    @Test
    void aDatabaseThatWasReplacedIsOpenedAgain() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1))) {
            folder.activate("a", 1);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            try (var files = Files.list(folder.path)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            try (ClaimsDatabase anew =
                    ClaimsDatabase.create(folder.path.resolve(ClaimsDatabase.NAME), "service", Mode.BROADCAST)) {
                anew.decide(new dev.rollout.contract.Scope(Mode.BROADCAST, "b", 2, 0));
                assertTrue(a.awaitRole(Role.DRAINING, SOON), "it sees the new file: " + a.role());
            }
        }
    }

    @Test
    void withoutAnAgentEverythingIsActiveAndWon() {
        try (Rollout laptop = Rollout.join()) {
            assertEquals(Role.ACTIVE, laptop.role());
            assertInstanceOf(Claim.Claimed.class, laptop.claim("create:1"));
            assertInstanceOf(Claim.Claimed.class, laptop.claim("create:1"));
        }
    }

    @Test
    void anEventIdThatIsTooLongIsTheCallersError() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1))) {
            assertThrows(IllegalArgumentException.class, () -> a.claim("x".repeat(129)));
            assertThrows(IllegalArgumentException.class, () -> a.claim(""));
        }
    }

    @Test
    void pruningForgetsOnlyWhatIsOld() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            for (int i = 0; i < 1000; i++) {
                folder.agent.claim("old:" + i, 1, 1000, ClaimsDatabase.FOREVER);
            }
            folder.agent.claim("new:1", 1, 5000, ClaimsDatabase.FOREVER);
            int removed = 0;
            for (int batch = folder.agent.prune(2000); batch > 0; batch = folder.agent.prune(2000)) {
                assertTrue(batch <= 128);
                removed += batch;
            }
            assertEquals(1000, removed);
            assertEquals(0, folder.agent.claim("new:1", 1, 6000, ClaimsDatabase.FOREVER));
            assertEquals(1, folder.agent.claim("old:1", 1, 6000, ClaimsDatabase.FOREVER));
        }
    }

    @Test
    void anExpiredLeaseIsTakenOverAndAStaleHolderChangesNothing() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            assertEquals(1, folder.agent.claim("job:1", 1, 1000, 2000));
            assertEquals(0, folder.agent.claim("job:1", 2, 1500, 3000));
            assertEquals(2, folder.agent.claim("job:1", 2, 2500, 3500));
            assertFalse(folder.agent.release("job:1", 1, 1));
            assertTrue(folder.agent.release("job:1", 2, 2));
        }
    }

    /** Four real processes with two threads each, on the same ids at once; one of them is killed in the middle. */
    @Test
    void nThreadsInKProcessesHaveExactlyOneWinnerAnId() throws Exception {
        int ids = 4000;
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            List<Process> processes = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                processes.add(new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                "target/classes:target/test-classes:" + System.getProperty("java.class.path") + ":"
                                        + System.getProperty("jdk.module.path", ""),
                                ClaimRacer.class.getName(),
                                folder.path.toString(),
                                "racer-" + i,
                                Integer.toString(ids))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start());
            }
            Thread.sleep(1500);
            processes.get(0).destroyForcibly(); // a winner may die with its claims: they are won all the same
            Map<String, Integer> winners = new HashMap<>();
            for (Process process : processes.subList(1, 4)) {
                new String(process.getInputStream().readAllBytes())
                        .lines()
                        .forEach(id -> winners.merge(id, 1, Integer::sum));
                assertTrue(process.waitFor(60, TimeUnit.SECONDS));
                assertEquals(0, process.exitValue());
            }
            assertTrue(winners.values().stream().allMatch(count -> count == 1), "an id with two winners");
            int claimed = 0;
            for (int i = 0; i < ids; i++) {
                claimed += folder.agent.claim("event:" + i, 1, 1, ClaimsDatabase.FOREVER) == 0 ? 1 : 0;
            }
            assertEquals(ids, claimed, "an id without a winner");
        }
    }
}
