package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.RoleFile;
import dev.rollout.contract.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HandoverTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    /** Both see every event while the role goes a, b, a, c: each event is handled once, whenever the switch came. */
    @Test
    void noEventIsLostOrHandledTwiceOverHandOvers() throws Exception {
        Map<Long, AtomicInteger> handled = new ConcurrentHashMap<>();
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 4));
                Rollout c = Rollout.join(folder.member("c", 6))) {
            folder.activate("a", 2);
            Handler<Long> handler = number ->
                    handled.computeIfAbsent(number, n -> new AtomicInteger()).incrementAndGet();
            List<Inbox<Long>> inboxes =
                    List.of(new Inbox<>(a, handler), new Inbox<>(b, handler), new Inbox<>(c, handler));
            AtomicBoolean stop = new AtomicBoolean();
            long[] sent = new long[1];
            Thread source = new Thread(() -> {
                while (!stop.get()) {
                    LockSupport.parkNanos(200_000);
                    long number = ++sent[0];
                    inboxes.forEach(inbox -> inbox.receive("event:" + number, number));
                }
            });
            source.start();
            hasItsTurn(inboxes.get(0));
            folder.activate("b", 4);
            hasItsTurn(inboxes.get(1));
            folder.activate("a", 5); // a rollback: the same instance under a newer generation
            hasItsTurn(inboxes.get(0));
            folder.activate("c", 6);
            assertTrue(c.awaitRole(Role.ACTIVE, SOON));
            hasItsTurn(inboxes.get(2));
            folder.fence(6);
            stop.set(true);
            source.join();
            long deadline = System.nanoTime() + SOON.toNanos();
            while (handled.size() < sent[0] && System.nanoTime() < deadline) {
                Thread.sleep(10);
            }
            assertEquals(sent[0], handled.size(), "events unanswered");
            assertEquals(
                    0,
                    handled.values().stream().filter(count -> count.get() > 1).count(),
                    "events handled twice");
            assertTrue(inboxes.stream().allMatch(inbox -> inbox.handled() > 0), "every instance had its turn");
            assertEquals(Role.STOPPED, awaitEnd(a));
        }
    }

    /** The previous is behind: it still gets events from before the other's session, which nobody else will handle. */
    @ParameterizedTest
    @ValueSource(strings = {"and both go on", "and then it is quiet", "after its connection was lost"})
    void whatOnlyThePreviousSawIsHandledByIt(String how) throws Exception {
        Map<Integer, AtomicInteger> handled = new ConcurrentHashMap<>();
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 4))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            Handler<Integer> handler = number ->
                    handled.computeIfAbsent(number, n -> new AtomicInteger()).incrementAndGet();
            Inbox<Integer> of = new Inbox<>(a, handler);
            Inbox<Integer> ob = new Inbox<>(b, handler);
            a.ready();
            of.receive("event:0", 0);
            if (how.contains("lost")) {
                a.notReady();
            }
            folder.activate("b", 4);
            assertTrue(a.awaitRole(Role.DRAINING, SOON));
            assertTrue(b.awaitRole(Role.ACTIVE, SOON));
            if (how.contains("lost")) {
                Thread.sleep(1000);
                assertTrue(a.inFlight() > 0, "it must not be stopped before it is connected again");
            }
            for (int i = 1; i <= 100; i++) {
                of.receive("event:" + i, i);
                assertTrue(a.inFlight() > 0, "it must not be stopped yet");
            }
            a.ready();
            int all = how.contains("quiet") ? 100 : 200;
            for (int i = 101; i <= all; i++) {
                ob.receive("event:" + i, i);
                of.receive("event:" + i, i);
            }
            ClaimStoreContract.until("it has caught up", () -> a.inFlight() == 0);
            ClaimStoreContract.until(
                    "and says so",
                    () -> folder.agent.instance("a").orElseThrow().inFlight() == 0);
            assertEquals(all + 1, handled.size(), "events unanswered");
            assertTrue(handled.values().stream().allMatch(count -> count.get() == 1), "handled twice: " + handled);
            assertEquals(101, of.handled());
            of.receive("event:" + all + 1, all + 1);
            Thread.sleep(500);
            assertEquals(101, of.handled(), "the other sees the same: it claims nothing more");
        }
    }

    /** It lets go of its session because it drains: nothing is waited for then. */
    @Test
    void whoDisconnectsWhenItDrainsIsNotWaitedFor() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            a.ready();
            a.onRole((from, to) -> {
                if (to == Role.DRAINING) {
                    a.notReady();
                }
            });
            Inbox<Integer> inbox = new Inbox<>(a, number -> {});
            folder.activate("b", 4);
            assertTrue(a.awaitRole(Role.DRAINING, SOON));
            ClaimStoreContract.until("it has settled", () -> a.inFlight() == 0);
            assertEquals(0, inbox.handled());
        }
    }

    /** Nobody else gets what an instance still receives from a queue, or has fetched before it let go of a source. */
    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"EXCLUSIVE", "COMPETING"})
    void whatADrainingInstanceIsGivenByASourceThatIsNotSharedIsItsOwn(Mode mode) throws Exception {
        try (Folder folder = new Folder(mode);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            AtomicInteger handled = new AtomicInteger();
            Inbox<Integer> inbox = new Inbox<>(a, number -> {
                Thread.sleep(5);
                handled.incrementAndGet();
            });
            Thread fetched = new Thread(() -> {
                for (int i = 0; i < 100; i++) {
                    inbox.receive("event:" + i, i);
                }
            });
            fetched.start();
            ClaimStoreContract.until("it has begun", () -> handled.get() > 10);
            folder.activate(null, 4);
            folder.agent.tellToDrain("a");
            assertTrue(a.awaitRole(Role.DRAINING, SOON));
            fetched.join();
            assertEquals(100, handled.get());
        }
    }

    /** A bot that makes its ids of the session's sequence numbers handles every event of an overlap twice: noticed. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void idsThatDifferBetweenTheSessionsAreNoticed(boolean differ) throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 4))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            Inbox<Integer> of = new Inbox<>(a, number -> {});
            Inbox<Integer> ob = new Inbox<>(b, number -> {});
            for (int i = 0; i < 50; i++) {
                of.receive("event:" + i, i);
                ob.receive((differ ? "seq:" : "event:") + i, i);
            }
            folder.activate("b", 4);
            ClaimStoreContract.until("the replay is over", () -> ob.handled() + ob.lost() == 50);
            if (differ) {
                ClaimStoreContract.until(
                        "it is noticed", () -> folder.agent.alarms().containsKey("b"));
                assertTrue(folder.agent.alarms().toString().contains("b=event ids differ"), folder.agent.alarms() + "");
                assertTrue(folder.agent.alarms().toString().contains("of 50 events"), folder.agent.alarms() + "");
                folder.agent.forget("b");
            } else {
                Thread.sleep(200);
            }
            assertEquals(Map.of(), folder.agent.alarms());
        }
    }

    private static void hasItsTurn(Inbox<?> inbox) throws Exception {
        long before = inbox.handled();
        ClaimStoreContract.until("it handles events", () -> inbox.handled() > before + 100);
    }

    private static Role awaitEnd(Rollout rollout) throws InterruptedException {
        rollout.awaitRole(Role.STOPPED, SOON);
        return rollout.role();
    }

    @Test
    void anExclusiveInstanceReportsThatItHasLetGoOnlyAfterItsListener() throws Exception {
        try (Folder folder = new Folder(Mode.EXCLUSIVE);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            ConcurrentLinkedQueue<String> story = new ConcurrentLinkedQueue<>();
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            a.onRole((from, to) -> {
                if (to == Role.DRAINING) {
                    sleep(300);
                    story.add("disconnected");
                }
            });
            folder.activate(null, 4);
            while (folder.agent.instance("a").orElseThrow().role() != Role.DRAINING) {
                Thread.sleep(5);
            }
            story.add("reported");
            assertEquals(List.of("disconnected", "reported"), List.copyOf(story));
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void workInFlightHoldsTheDrain() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            Rollout.InFlight work = a.begin();
            folder.activate("b", 4);
            assertTrue(a.awaitRole(Role.DRAINING, SOON));
            Thread.sleep(200);
            assertEquals(1, folder.agent.instance("a").orElseThrow().inFlight());
            work.close();
            work.close();
            long deadline = System.nanoTime() + SOON.toNanos();
            while (folder.agent.instance("a").orElseThrow().inFlight() > 0 && System.nanoTime() < deadline) {
                Thread.sleep(5);
            }
            assertEquals(0, folder.agent.instance("a").orElseThrow().inFlight());
        }
    }

    @Test
    void anInboxThatIsFullDropsTheOldestAndCounts() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            ConcurrentLinkedQueue<Integer> handled = new ConcurrentLinkedQueue<>();
            Inbox<Integer> inbox = new Inbox<>(
                    a,
                    handled::add,
                    InboxOptions.DEFAULT.with(OnUnavailable.SKIP).keeping(3, Duration.ofMinutes(1)));
            for (int i = 1; i <= 5; i++) {
                inbox.receive("event:" + i, i);
            }
            assertEquals(2, inbox.overflowed());
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            long deadline = System.nanoTime() + SOON.toNanos();
            while (handled.size() < 3 && System.nanoTime() < deadline) {
                Thread.sleep(5);
            }
            assertEquals(List.of(3, 4, 5), List.copyOf(handled));
        }
    }

    @Test
    void roleFilesSurviveARoundTripAndNonsenseIsNotGuessedAt(@TempDir Path folder) throws Exception {
        Path file = folder.resolve(RoleFile.NAME);
        assertTrue(RoleFile.read(file).isEmpty());
        for (Scope scope :
                List.of(new Scope(Mode.EXCLUSIVE, null, 7, 3), new Scope(Mode.BROADCAST, "bot-g2-1", 2, 0))) {
            new RoleFile(scope, "active").write(file);
            assertEquals(scope, RoleFile.read(file).orElseThrow().scope());
        }
        Files.writeString(file, "{}");
        org.junit.jupiter.api.Assertions.assertThrows(java.io.IOException.class, () -> RoleFile.read(file));
    }
}
