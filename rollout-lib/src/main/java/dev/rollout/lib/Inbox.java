package dev.rollout.lib;

import dev.rollout.contract.Role;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The one door through which a bot takes its events. Every instance passes every event it sees; the inbox claims and
 * handles it, or keeps it, by role.
 *
 * <p>A standby (or draining) instance keeps the events of the last {@code window}. When it becomes active it replays
 * them through {@code claim()}: what the other has handled is lost to it, what the other has not comes exactly once.
 * Events that arrive during the replay queue behind it, so their order is kept.
 */
public final class Inbox<E> {
    private static final int DEFAULT_CAPACITY = 100_000;
    private static final Duration DEFAULT_WINDOW = Duration.ofSeconds(30);

    private record Kept<E>(String id, E event, long atNanos) {}

    private final Rollout rollout;
    private final Handler<E> handler;
    private final OnUnavailable onUnavailable;
    private final int capacity;
    private final long windowNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final ReentrantLock turn = new ReentrantLock(true);
    private final ArrayDeque<Kept<E>> kept = new ArrayDeque<>();
    private boolean direct;
    private final AtomicLong handled = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong overflowed = new AtomicLong();
    private final AtomicLong unavailable = new AtomicLong();

    /** An inbox that keeps 30 s of events, 100,000 at most, and proceeds without the store if active. */
    public Inbox(Rollout rollout, Handler<E> handler) {
        this(rollout, handler, OnUnavailable.PROCEED_IF_ACTIVE, DEFAULT_CAPACITY, DEFAULT_WINDOW);
    }

    /**
     * @param capacity events kept at most; one more drops the oldest, which is counted in {@link #overflowed()}
     * @param window how long an event is kept: longer than a hand-over takes
     */
    public Inbox(Rollout rollout, Handler<E> handler, OnUnavailable onUnavailable, int capacity, Duration window) {
        this.rollout = rollout;
        this.handler = handler;
        this.onUnavailable = onUnavailable;
        this.capacity = capacity;
        this.windowNanos = window.toNanos();
        rollout.onRole((from, to) -> changed(to));
    }

    /**
     * Takes an event in, on the caller's thread.
     *
     * @param eventId the event's type and id, the same in every instance: {@code create:1234}
     */
    public void receive(String eventId, E event) {
        boolean later;
        lock.lock();
        try {
            later = !direct;
            if (later) {
                keep(eventId, event);
            }
        } finally {
            lock.unlock();
        }
        if (later) {
            replay(); // whoever brings an event in meanwhile helps to catch up, so that a fast source waits for it
        } else {
            handle(eventId, event);
        }
    }

    private void keep(String eventId, E event) {
        long now = System.nanoTime();
        while (!kept.isEmpty() && now - kept.peekFirst().atNanos() > windowNanos) {
            kept.removeFirst();
        }
        if (kept.size() >= capacity) {
            kept.removeFirst();
            overflowed.incrementAndGet();
        }
        kept.addLast(new Kept<>(eventId, event, now));
    }

    private void changed(Role role) {
        lock.lock();
        try {
            direct = false;
        } finally {
            lock.unlock();
        }
        if (role == Role.ACTIVE) {
            // not on the watcher's thread: it must see the next change of role while this goes on
            Thread thread = new Thread(this::replay, "rollout-replay");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** Handles what was kept, one by one and in order, for as long as this instance is the active one. */
    private void replay() {
        turn.lock();
        try {
            while (rollout.role() == Role.ACTIVE) {
                Kept<E> next;
                lock.lock();
                try {
                    next = kept.pollFirst();
                    if (next == null) {
                        direct = rollout.role() == Role.ACTIVE;
                        return;
                    }
                } finally {
                    lock.unlock();
                }
                handle(next.id(), next.event());
            }
        } finally {
            turn.unlock();
        }
    }

    private void handle(String eventId, E event) {
        try (Rollout.InFlight work = rollout.begin()) {
            Claim claim = rollout.claim(eventId);
            boolean mine = claim instanceof Claim.Claimed;
            if (claim instanceof Claim.Unavailable) {
                unavailable.incrementAndGet();
                mine = switch (onUnavailable) {
                    case PROCEED -> true;
                    case PROCEED_IF_ACTIVE -> rollout.role() == Role.ACTIVE;
                    case SKIP -> false;
                };
            }
            if (!mine) {
                lost.incrementAndGet();
                return;
            }
            handler.handle(event);
            handled.incrementAndGet();
        } catch (Exception e) {
            failed.incrementAndGet();
            System.getLogger(Inbox.class.getName())
                    .log(
                            System.Logger.Level.ERROR,
                            "the handler failed on event " + eventId + "; it is not retried",
                            e);
        }
    }

    /** Events handled by this instance. */
    public long handled() {
        return handled.get();
    }

    /** Events that another instance had. */
    public long lost() {
        return lost.get();
    }

    /** Events whose handler threw. */
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
