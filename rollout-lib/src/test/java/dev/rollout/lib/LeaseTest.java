package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LeaseTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(1500);

    @Test
    void aLeaseIsRenewedWhileTheBodyRunsAndCompletedAfterIt() throws Exception {
        try (Folder folder = new Folder(Mode.COMPETING);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            AtomicInteger took = new AtomicInteger();
            assertInstanceOf(Claim.Claimed.class, a.once("job:1", SHORT, () -> {
                long end = System.nanoTime() + 2 * SHORT.toNanos();
                while (System.nanoTime() < end) {
                    took.addAndGet(b.claim("job:1") instanceof Claim.Claimed ? 1 : 0);
                    Thread.onSpinWait();
                }
            }));
            assertEquals(0, took.get(), "taken over from a holder that lives");
            assertEquals(new Claim.Lost(Long.MAX_VALUE), b.claim("job:1"));
        }
    }

    @Test
    void anEventWhoseBodyThrowsIsGivenBackAtOnce() throws Exception {
        try (Folder folder = new Folder(Mode.COMPETING);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            assertThrows(
                    IllegalStateException.class,
                    () -> a.once("job:1", Duration.ofMinutes(1), () -> {
                        throw new IllegalStateException("no");
                    }));
            assertEquals(
                    2,
                    assertInstanceOf(Claim.Claimed.class, b.claim("job:1"))
                            .token()
                            .attempt());
        }
    }

    /** The active instance leases an event and dies with it; the standby that replaces it handles the event. */
    @Test
    void anEventOfADeadHolderIsHandledByTheNextActiveInstance() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 4))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
            Inbox<String> inbox = new Inbox<>(b, handled::add, InboxOptions.DEFAULT.leased(Duration.ofSeconds(1)));
            assertInstanceOf(Claim.Claimed.class, a.lease("event:1", Duration.ofSeconds(1)));
            inbox.receive("event:1", "one");
            folder.activate("b", 4);
            ClaimStoreContract.until("the event is handled", () -> !handled.isEmpty());
            ClaimStoreContract.until("and done", () -> a.claim("event:1").equals(new Claim.Lost(Long.MAX_VALUE)));
            assertEquals(List.of("one"), List.copyOf(handled));
            assertEquals(1, inbox.handled());
            assertTrue(inbox.lost() >= 1, "it was another's at first");
        }
    }

    @Test
    void aLeasedHandlerThatFailsIsTriedAgain() throws Exception {
        try (Folder folder = new Folder(Mode.COMPETING);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            AtomicInteger tries = new AtomicInteger();
            Inbox<String> inbox = new Inbox<>(
                    a,
                    event -> {
                        if (tries.incrementAndGet() < 3) {
                            throw new IllegalStateException("try " + tries.get());
                        }
                    },
                    InboxOptions.DEFAULT.leased(Duration.ofMillis(50)));
            inbox.receive("event:1", "one");
            ClaimStoreContract.until("the third try", () -> inbox.handled() == 1);
            assertEquals(2, inbox.failed());
        }
    }

    /** A draining instance keeps what follows from its own messages; the new one has all else, and that after it. */
    @Test
    void followUpsGoToTheirOwnerUntilItIsRetired() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 4))) {
            folder.activate("a", 2);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            ConcurrentLinkedQueue<String> byA = new ConcurrentLinkedQueue<>();
            ConcurrentLinkedQueue<String> byB = new ConcurrentLinkedQueue<>();
            Inbox<String> inboxA = new Inbox<>(a, byA::add);
            Inbox<String> inboxB = new Inbox<>(b, byB::add);
            assertInstanceOf(Claim.Claimed.class, a.own("message:7"));
            folder.activate("b", 4);
            assertTrue(a.awaitRole(Role.DRAINING, SOON));
            assertTrue(b.awaitRole(Role.ACTIVE, SOON));
            inboxB.receive("button:1", "message:7", "pressed");
            assertEquals(List.of(), List.copyOf(byB), "its owner lives");
            inboxA.receive("button:1", "message:7", "pressed");
            assertEquals(List.of("pressed"), List.copyOf(byA));
            inboxB.receive("button:2", "message:7", "again");
            assertEquals(List.of(), List.copyOf(byB));
            folder.fence(4);
            ClaimStoreContract.until(
                    "the owner is retired", () -> List.copyOf(byB).equals(List.of("again")));
            Thread.sleep(300);
            assertEquals(List.of("again"), List.copyOf(byB), "the first one was the owner's");
        }
    }

    @Test
    void aBudgetIsSharedByAllInstancesAndComesBackWithTime() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 4))) {
            Budget ofA = a.budget("identify", 3, Duration.ofSeconds(1));
            Budget ofB = b.budget("identify", 3, Duration.ofSeconds(1));
            long start = System.nanoTime();
            List<Budget.Spending> all = List.of(ofA.spend(), ofB.spend(), ofA.spend(), ofB.spend(), ofA.spend());
            if (System.nanoTime() - start < Duration.ofMillis(900).toNanos()) {
                assertEquals(
                        List.of(
                                Budget.Spending.SPENT,
                                Budget.Spending.SPENT,
                                Budget.Spending.SPENT,
                                Budget.Spending.EXHAUSTED,
                                Budget.Spending.EXHAUSTED),
                        all);
            }
            ClaimStoreContract.until("a unit comes back", () -> ofB.spend() == Budget.Spending.SPENT);
            folder.activate("b", 4);
            folder.fence(4);
            assertEquals(Budget.Spending.FENCED, ofA.spend());
        }
    }

    @Test
    void effectKeysAreShortAndTheSameForTheSameEffect() {
        String key = Rollout.effectKey("create:1234#reply");
        assertEquals(key, EffectKey.of("create:1234#reply"));
        assertTrue(key.length() <= 25 && key.matches("[0-9a-f]+"), key);
        assertNotEquals(key, EffectKey.of("create:1234#react"));
    }

    @Test
    void aLeaseOfNothingIsTheCallersError() throws Exception {
        try (Rollout laptop = Rollout.join()) {
            for (Duration bad : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofDays(400))) {
                assertThrows(IllegalArgumentException.class, () -> laptop.lease("job:1", bad));
            }
            assertEquals(
                    Hold.KEPT,
                    laptop.complete(assertInstanceOf(Claim.Claimed.class, laptop.lease("job:1", SHORT))
                            .token()));
        }
    }
}
