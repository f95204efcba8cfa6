package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimStore.Answer;
import dev.rollout.contract.ClaimStore.Pruned;
import dev.rollout.contract.Token;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What every store passes: the contract of claims, asked of the real thing. */
abstract class ClaimStoreContract {
    static final long FOREVER = ClaimStore.FOREVER;

    /** A store of this test's own, opened by the text that {@link ClaimRacer} opens it by, too. */
    abstract String address();

    ClaimStore open() throws Exception {
        return ClaimRacer.open(address());
    }

    static void until(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < deadline, what);
            Thread.sleep(5);
        }
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    @Test
    void oneWinsAndTheOtherHearsForHowLong() throws Exception {
        try (ClaimStore a = open();
                ClaimStore b = open()) {
            assertEquals(Answer.won(1), a.claim("create:1", 2, FOREVER));
            assertEquals(Answer.lost(FOREVER), b.claim("create:1", 4, FOREVER));
            assertEquals(Answer.won(1), b.claim("delete:1", 4, 60_000));
            Answer lost = a.claim("delete:1", 2, FOREVER);
            assertEquals(0, lost.attempt());
            assertTrue(lost.heldMillis() > 50_000 && lost.heldMillis() <= 60_000, lost.toString());
        }
    }

    @Test
    void anExpiredLeaseIsTakenOverAndAStaleHolderChangesNothing() throws Exception {
        try (ClaimStore a = open();
                ClaimStore b = open()) {
            assertEquals(Answer.won(1), a.claim("job:1", 2, 100));
            Token stale = new Token("job:1", 2, 1);
            until("the lease ends", () -> b.claim("job:1", 2, 60_000).equals(Answer.won(2)));
            assertFalse(a.renew(stale, 60_000), "renewed by a stale holder");
            assertFalse(a.complete(stale), "completed by a stale holder");
            assertFalse(a.release(stale), "released by a stale holder");
            assertTrue(b.complete(new Token("job:1", 2, 2)));
            assertEquals(Answer.lost(FOREVER), a.claim("job:1", 4, FOREVER));
        }
    }

    @Test
    void aRenewedLeaseOutlivesItsFirstEndAndACompletedOneNeverEnds() throws Exception {
        try (ClaimStore a = open();
                ClaimStore b = open()) {
            assertEquals(Answer.won(1), a.claim("job:1", 2, 200));
            assertTrue(a.renew(new Token("job:1", 2, 1), 60_000));
            assertEquals(Answer.won(1), a.claim("job:2", 2, 200));
            assertTrue(a.complete(new Token("job:2", 2, 1)));
            assertEquals(Answer.won(1), a.claim("job:3", 2, 200));
            until("the third lease ends", () -> b.claim("job:3", 2, FOREVER).attempt() == 2);
            assertTrue(b.claim("job:1", 2, FOREVER).heldMillis() > 50_000);
            assertEquals(Answer.lost(FOREVER), b.claim("job:2", 2, FOREVER));
        }
    }

    @Test
    void aReleasedEventIsWonAtOnceUnderANewAttempt() throws Exception {
        try (ClaimStore a = open();
                ClaimStore b = open()) {
            assertEquals(Answer.won(1), a.claim("job:1", 2, 60_000));
            assertTrue(a.release(new Token("job:1", 2, 1)));
            assertEquals(Answer.won(2), b.claim("job:1", 2, 60_000));
            assertFalse(a.complete(new Token("job:1", 2, 1)));
        }
    }

    @Test
    void theFenceIsInsideTheClaimAndIsNeverLowered() throws Exception {
        try (ClaimStore a = open();
                ClaimStore b = open()) {
            assertEquals(Answer.won(1), a.claim("create:1", 2, FOREVER));
            b.fence(4);
            b.fence(3);
            assertEquals(Answer.FENCED, a.claim("create:2", 3, FOREVER));
            assertEquals(Answer.FENCED, a.claim("create:1", 2, FOREVER));
            assertEquals(Answer.won(1), b.claim("create:2", 4, FOREVER));
        }
    }

    @Test
    void aHolderIsTheGenerationThatWonUntilItIsFenced() throws Exception {
        try (ClaimStore a = open()) {
            assertEquals(OptionalLong.empty(), a.holder("affinity:1"));
            a.claim("affinity:1", 2, FOREVER);
            assertEquals(OptionalLong.of(2), a.holder("affinity:1"));
            a.fence(4);
            assertEquals(OptionalLong.empty(), a.holder("affinity:1"));
        }
    }

    @Test
    void pruningForgetsWhatIsOldAndNotWhatIsUnderALease() throws Exception {
        try (ClaimStore store = open()) {
            for (int i = 0; i < 1500; i++) {
                store.claim("old:" + i, 2, FOREVER);
            }
            store.claim("leased:1", 2, 60_000);
            assertEquals(0, pruneAll(store, 60_000), "all are young");
            if (prunesByItself()) {
                return;
            }
            Thread.sleep(20);
            assertEquals(1500, pruneAll(store, 10));
            assertEquals(Answer.won(1), store.claim("old:1", 2, FOREVER));
            assertEquals(0, store.claim("leased:1", 2, FOREVER).attempt());
        }
    }

    static int pruneAll(ClaimStore store, long windowMillis) throws Exception {
        int forgotten = 0;
        Pruned step;
        do {
            step = store.prune(windowMillis);
            assertTrue(step.claims() <= 512, "a few at a time: " + step);
            forgotten += step.claims();
        } while (step.more());
        return forgotten;
    }

    boolean prunesByItself() {
        return false;
    }

    @Test
    void oddIdsAreIdsLikeAnyOther() throws Exception {
        List<String> odd = List.of(
                "'; DROP TABLE claim; --",
                "\"",
                "%_*?[a-z]",
                "a b\tc\nd",
                "\u00e9\u4e16\uD83D\uDE00",
                "e\u0301",
                "{scope}:claim:",
                "x".repeat(128),
                "\u0001",
                "NULL",
                "0");
        try (ClaimStore a = open();
                ClaimStore b = open()) {
            for (String id : odd) {
                assertEquals(Answer.won(1), a.claim(id, 2, FOREVER), id);
            }
            for (String id : odd) {
                assertEquals(Answer.lost(FOREVER), b.claim(id, 2, FOREVER), id);
                assertTrue(a.release(new Token(id, 2, 1)), id);
            }
        }
    }

    /** Four real processes with two threads each, on the same ids at once; one of them is killed in the middle. */
    @Test
    void nThreadsInKProcessesHaveExactlyOneWinnerAnId() throws Exception {
        int ids = 4000;
        try (ClaimStore store = open()) {
            List<Process> processes = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                processes.add(racer("race", Integer.toString(ids)));
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
                claimed += store.claim("event:" + i, 2, FOREVER).attempt() == 0 ? 1 : 0;
            }
            assertEquals(ids, claimed, "an id without a winner");
        }
    }

    /** A holder that is paused beyond its lease, wakes up and says that it is done. */
    @Test
    void aStoppedHolderIsReplacedAndItsWordIsStale() throws Exception {
        try (ClaimStore store = open()) {
            Process holder = racer("hold", "job:1");
            assertEquals("held", holder.inputReader().readLine());
            signal("STOP", holder);
            until("its lease ends", () -> store.claim("job:1", 2, 60_000).attempt() == 2);
            signal("CONT", holder);
            assertEquals("stale", holder.inputReader().readLine());
            assertTrue(store.complete(new Token("job:1", 2, 2)));
            assertTrue(holder.waitFor(10, TimeUnit.SECONDS));
        }
    }

    static void signal(String name, Process process) throws Exception {
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                        .start()
                        .waitFor());
    }

    static String classPath() {
        return "target/classes:target/test-classes:" + System.getProperty("java.class.path") + ":"
                + System.getProperty("jdk.module.path", "");
    }

    Process racer(String... words) throws Exception {
        return racing(words).start();
    }

    ProcessBuilder racing(String... words) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath(),
                ClaimRacer.class.getName(),
                address()));
        command.addAll(List.of(words));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    }
}
