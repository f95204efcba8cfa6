package dev.rollout.lib;

import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The one door through which a bot takes its events. Every instance passes every event it sees; the inbox claims and
 * handles it, or keeps it, by role.
 *
 * <p>A standby keeps the events of the last {@code window}. When it becomes active it replays them through
 * {@code claim()}: what the other has handled is lost to it, what the other has not comes exactly once. Events that
 * arrive during the replay queue behind it, so their order is kept. An event that another holds under a lease is asked
 * for again when the lease is over.
 *
 * <p>An instance that drains may be behind (a slow handler, a connection that was lost and is resumed), so that it still
 * gets events from before the other's session, which nobody else has seen. It goes on claiming, a little later than the
 * other does, until it loses an event to the other, or no more come. It counts as work in flight until then. Where every
 * event goes to one instance only (exclusive and competing sources), it handles what it still gets at once.
 */
public final class Inbox<E> {
    /** The other's head start with an event that both see. */
    private static final Duration HEAD_START = Duration.ofMillis(200);
    /** A draining instance that is connected has got all events when there was none for so long, here nor elsewhere. */
    private static final Duration QUIET = Duration.ofSeconds(1);

    private static final long LOOK_MILLIS = 10;

    private record Kept<E>(String id, @Nullable String affinityKey, E event, long atNanos) {}

    private final Rollout rollout;
    private final Handler<E> handler;
    private final InboxOptions options;
    private final ReentrantLock lock = new ReentrantLock();
    private final ReentrantLock turn = new ReentrantLock(true);
    private final ArrayDeque<Kept<E>> kept = new ArrayDeque<>();
    private boolean direct;
    private @Nullable Overlap overlap;
    private final AtomicLong handled = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong overflowed = new AtomicLong();
    private final AtomicLong unavailable = new AtomicLong();

    /** An inbox with the {@link InboxOptions#DEFAULT} options. */
    public Inbox(Rollout rollout, Handler<E> handler) {
        this(rollout, handler, InboxOptions.DEFAULT);
    }

    /** An inbox that keeps and handles events in another way. */
    public Inbox(Rollout rollout, Handler<E> handler, InboxOptions options) {
        this.rollout = rollout;
        this.handler = handler;
        this.options = options;
        rollout.onRole(this::changed);
    }

    /**
     * Takes an event in, on the caller's thread.
     *
     * @param eventId the event's type and id, the same in every instance: {@code create:1234}
     */
    public void receive(String eventId, E event) {
        take(new Kept<>(eventId, null, event, System.nanoTime()));
    }

    /**
     * Takes a follow-up in: a draining instance that owns the key handles it still, and nobody else meanwhile.
     *
     * @param affinityKey what {@link Rollout#own} was told
     */
    public void receive(String eventId, String affinityKey, E event) {
        Kept<E> followUp = new Kept<>(eventId, affinityKey, event, System.nanoTime());
        if (rollout.role() == Role.DRAINING && rollout.owns(affinityKey)) {
            handle(followUp);
        } else {
            take(followUp);
        }
    }

    private void take(Kept<E> event) {
        boolean keep;
        lock.lock();
        try {
            keep = !direct;
            if (keep) {
                keep(event);
            }
        } finally {
            lock.unlock();
        }
        if (!keep) {
            handle(event);
        } else if (handles()) {
            replay(); // whoever brings an event in meanwhile helps to catch up, so that a fast source waits for it
        }
    }

    private void keep(Kept<E> event) {
        while (!kept.isEmpty()
                && event.atNanos() - kept.peekFirst().atNanos()
                        > options.window().toNanos()) {
            kept.removeFirst();
        }
        if (kept.size() >= options.capacity()) {
            kept.removeFirst();
            overflowed.incrementAndGet();
        }
        kept.addLast(event);
    }

    private void changed(Role from, Role to) {
        boolean drains = from == Role.ACTIVE && to == Role.DRAINING;
        boolean settles = drains && rollout.mode() == Mode.BROADCAST;
        lock.lock();
        try {
            direct &= drains && !settles;
            overlap = to == Role.ACTIVE && !kept.isEmpty() ? new Overlap(kept.size(), firstMillis(), lost()) : null;
        } finally {
            lock.unlock();
        }
        if (to == Role.ACTIVE || drains) {
            // not on the watcher's thread: it must see the next change of role while this goes on
            Rollout.InFlight work = rollout.begin();
            Thread thread = new Thread(
                    () -> {
                        try (work) {
                            if (settles) {
                                settle();
                            } else {
                                replay();
                            }
                        }
                    },
                    "rollout-replay");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** Whether what comes in is this instance's to handle: nobody else may get it from a source that is not shared. */
    private boolean handles() {
        Role role = rollout.role();
        return role == Role.ACTIVE || role == Role.DRAINING && rollout.mode() != Mode.BROADCAST;
    }

    /** Handles what was kept, one by one and in order, for as long as this instance handles events. */
    private void replay() {
        Overlap over = null;
        turn.lock();
        try {
            while (handles()) {
                Kept<E> next;
                lock.lock();
                try {
                    next = kept.pollFirst();
                    if (next == null) {
                        direct = handles();
                        over = overlap;
                        overlap = null;
                        return;
                    }
                } finally {
                    lock.unlock();
                }
                handle(next);
            }
        } finally {
            turn.unlock();
            if (over != null && over.isEnough(lost())) {
                rollout.suspect(over);
            }
        }
    }

    /** Claims what the other has not seen, until it is sure that the other sees what comes here. */
    private void settle() {
        long lastNanos = System.nanoTime();
        boolean settled = false;
        turn.lock();
        try {
            while (!settled && rollout.role() == Role.DRAINING) {
                long now = System.nanoTime();
                Kept<E> next = ripe(now);
                if (next != null) {
                    settled = handle(next) && rollout.wonByAnother(next.id());
                    lastNanos = System.nanoTime();
                } else if (rollout.missesEvents() || !isEmpty()) {
                    lastNanos = now; // what it missed comes when it is connected again
                    Thread.sleep(LOOK_MILLIS);
                } else if (now - lastNanos <= QUIET.toNanos()) {
                    Thread.sleep(LOOK_MILLIS);
                } else {
                    settled = !rollout.othersWon(QUIET); // else there were events, and none came here
                    lastNanos = now;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            turn.unlock();
        }
        if (!settled && rollout.role() == Role.STOPPED) {
            System.getLogger(Inbox.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "stopped before it had caught up: events that came here before the other instance was there"
                                    + " may not have been handled (a longer drain.timeout gives it more time)");
        }
    }

    /** The oldest event that was kept, if the other has had its head start with it. */
    private @Nullable Kept<E> ripe(long now) {
        lock.lock();
        try {
            Kept<E> first = kept.peekFirst();
            return first != null && now - first.atNanos() > HEAD_START.toNanos() ? kept.pollFirst() : null;
        } finally {
            lock.unlock();
        }
    }

    private boolean isEmpty() {
        lock.lock();
        try {
            return kept.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** When the first event was kept; a millisecond early rather than late, since many can be claimed in one. */
    private long firstMillis() {
        return System.currentTimeMillis() - (System.nanoTime() - kept.getFirst().atNanos()) / 1_000_000 - 1;
    }

    /** @return whether another instance has the event */
    private boolean handle(Kept<E> event) {
        Handler<E> counted = e -> {
            handler.handle(e);
            handled.incrementAndGet();
        };
        try {
            Claim claim = claimed(event, counted);
            if (claim instanceof Claim.Lost other) {
                lost.incrementAndGet();
                if (other.mayComeFree()) {
                    rollout.later().in(other.heldMillis() + 1, () -> again(event));
                }
                return true;
            } else if (claim instanceof Claim.Fenced) {
                lost.incrementAndGet();
            } else if (claim instanceof Claim.Unavailable) {
                unavailable.incrementAndGet();
                if (proceeds()) {
                    try (Rollout.InFlight work = rollout.begin()) {
                        counted.handle(event.event());
                    }
                } else {
                    lost.incrementAndGet();
                }
            }
        } catch (Exception e) {
            failed.incrementAndGet();
            Duration lease = options.lease();
            System.getLogger(Inbox.class.getName())
                    .log(
                            System.Logger.Level.ERROR,
                            "the handler failed on event " + event.id()
                                    + (lease == null ? "; it is not tried again: at most once" : "; it is tried again"),
                            e);
            if (lease != null) {
                rollout.later().in(lease.toMillis(), () -> again(event));
            }
        }
        return false;
    }

    private Claim claimed(Kept<E> event, Handler<E> counted) throws Exception {
        String key = event.affinityKey();
        if (key != null && !rollout.mayFollowUp(key)) {
            return new Claim.Lost(Claims.AFFINITY_MILLIS);
        }
        Duration lease = options.lease();
        Rollout.Body<Exception> body = () -> counted.handle(event.event());
        return lease == null ? rollout.once(event.id(), body) : rollout.once(event.id(), lease, body);
    }

    /** An event that came free, or may have: by then this instance may be the active one no more. */
    private void again(Kept<E> event) {
        if (rollout.role() == Role.ACTIVE) {
            handle(event);
        } else {
            lock.lock();
            try {
                keep(event);
            } finally {
                lock.unlock();
            }
        }
    }

    private boolean proceeds() {
        return switch (options.onUnavailable()) {
            case PROCEED -> true;
            case PROCEED_IF_ACTIVE -> rollout.role() == Role.ACTIVE;
            case SKIP -> false;
        };
    }

    /** Events handled by this instance. */
    public long handled() {
        return handled.get();
    }

    /** How often another instance had the event. */
    public long lost() {
        return lost.get();
    }

    /** How often the handler threw. */
    public long failed() {
        return failed.get();
    }

    /** Events dropped before their window was over, since the inbox was full. */
    public long overflowed() {
        return overflowed.get();
    }

    /** Events for which the store could not say whose they are. */
    public long unavailable() {
        return unavailable.get();
    }
}
