package dev.rollout.lib;

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
 * <p>A standby (or draining) instance keeps the events of the last {@code window}. When it becomes active it replays
 * them through {@code claim()}: what the other has handled is lost to it, what the other has not comes exactly once.
 * Events that arrive during the replay queue behind it, so their order is kept. An event that another holds under a
 * lease is asked for again when the lease is over.
 */
public final class Inbox<E> {
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
        rollout.onRole((from, to) -> changed(to));
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
        if (keep) {
            replay(); // whoever brings an event in meanwhile helps to catch up, so that a fast source waits for it
        } else {
            handle(event);
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

    private void changed(Role role) {
        lock.lock();
        try {
            direct = false;
            overlap = role == Role.ACTIVE && !kept.isEmpty() ? new Overlap(kept.size(), firstMillis(), lost()) : null;
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
        Overlap over = null;
        turn.lock();
        try {
            while (rollout.role() == Role.ACTIVE) {
                Kept<E> next;
                lock.lock();
                try {
                    next = kept.pollFirst();
                    if (next == null) {
                        direct = rollout.role() == Role.ACTIVE;
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

    private long firstMillis() {
        return System.currentTimeMillis() - (System.nanoTime() - kept.getFirst().atNanos()) / 1_000_000;
    }

    private void handle(Kept<E> event) {
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
