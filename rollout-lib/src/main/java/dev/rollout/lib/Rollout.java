package dev.rollout.lib;

import dev.rollout.contract.Role;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An instance's place in its service: its role, its readiness, its claims.
 *
 * <pre>{@code
 * Rollout rollout = Rollout.join();
 * Inbox<Message> inbox = new Inbox<>(rollout, this::answer);
 * session.onMessage(message -> inbox.receive("create:" + message.id(), message));
 * session.onConnected(rollout::ready);
 * }</pre>
 *
 * <p>Thread safe. Where no agent is (no {@code ROLLOUT_*} variable is set), the role is ACTIVE for ever and every claim
 * is won, so that the same code runs on a laptop.
 */
public final class Rollout implements AutoCloseable {
    private final @Nullable ClaimStore store;
    private final @Nullable RoleWatcher watcher;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition roleChanged = lock.newCondition();
    private final List<RoleListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicInteger inFlight = new AtomicInteger();
    private volatile Role role;
    private volatile boolean ready;

    /** Joins as the environment says. */
    public static Rollout join() {
        return Membership.fromEnvironment().map(Rollout::new).orElseGet(Rollout::new);
    }

    /** Joins as the given member: for tests, and for programs that host several instances. */
    public static Rollout join(Membership membership) {
        return new Rollout(membership);
    }

    private Rollout() {
        store = null;
        watcher = null;
        role = Role.ACTIVE;
    }

    private Rollout(Membership membership) {
        role = Role.STARTING;
        store = new ClaimStore(membership);
        watcher = new RoleWatcher(membership, store, this);
        watcher.start();
    }

    /** What this instance may do now. */
    public Role role() {
        return role;
    }

    /** Calls the listener at every change of role from now on, and once now with the present role. */
    public void onRole(RoleListener listener) {
        lock.lock();
        try {
            listeners.add(listener);
            listener.changed(Role.STARTING, role);
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a role. False: the time is up. */
    public boolean awaitRole(Role wanted, Duration limit) throws InterruptedException {
        long left = limit.toNanos();
        lock.lock();
        try {
            while (role != wanted) {
                if (left <= 0) {
                    return false;
                }
                left = roleChanged.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Tells the agent that this instance could take over now. */
    public void ready() {
        ready = true;
        ring();
    }

    /** Takes {@link #ready()} back: a shard was lost, a connection is down. */
    public void notReady() {
        ready = false;
        ring();
    }

    /** The doorbell: read the rows again now instead of within 100 ms. A signal handler may call it. */
    public void ring() {
        if (watcher != null) {
            watcher.ring();
        }
    }

    /**
     * Claims an event for this instance, at most once.
     *
     * @param eventId the event's type and id, 128 bytes at most: {@code create:1234}
     */
    public Claim claim(String eventId) {
        ClaimStore claims = store;
        return claims == null ? new Claim.Claimed(0, 1) : claims.claim(eventId);
    }

    /**
     * Runs the body if this instance wins the event, and keeps the instance from being stopped while it runs.
     *
     * @return the claim: the body ran if it is {@link Claim.Claimed}
     */
    public <X extends Exception> Claim once(String eventId, Body<X> body) throws X {
        try (InFlight work = begin()) {
            Claim claim = claim(eventId);
            if (claim instanceof Claim.Claimed) {
                body.run();
            }
            return claim;
        }
    }

    /** Counts one piece of work as begun: a draining instance is stopped only when all are closed, or at the deadline. */
    public InFlight begin() {
        inFlight.incrementAndGet();
        return new InFlight(this);
    }

    /** Work begun and not ended. */
    public int inFlight() {
        return inFlight.get();
    }

    void end() {
        if (inFlight.decrementAndGet() == 0 && role == Role.DRAINING) {
            ring();
        }
    }

    boolean isReady() {
        return ready;
    }

    /** Called by the watcher alone. */
    void become(Role next) {
        lock.lock();
        try {
            Role from = role;
            if (from == next) {
                return;
            }
            role = next;
            for (RoleListener listener : new ArrayList<>(listeners)) {
                listener.changed(from, next);
            }
            roleChanged.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Leaves: the role is STOPPED from now on; what is in flight is not waited for. */
    @Override
    public void close() {
        if (watcher != null && store != null) {
            watcher.stop();
            become(Role.STOPPED);
            store.close();
        }
    }

    /** What {@link #once} runs. */
    @FunctionalInterface
    public interface Body<X extends Exception> {
        void run() throws X;
    }

    /** One piece of work in flight. */
    public static final class InFlight implements AutoCloseable {
        private @Nullable Rollout rollout;

        private InFlight(Rollout rollout) {
            this.rollout = rollout;
        }

        @Override
        public void close() {
            Rollout open = rollout;
            rollout = null; // closing twice must not count twice
            if (open != null) {
                open.end();
            }
        }
    }
}
