package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.Token;
import java.sql.SQLException;
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
 * session.onDisconnected(rollout::notReady);
 * }</pre>
 *
 * <p>Thread safe. Where no agent is (no {@code ROLLOUT_*} variable is set), the role is ACTIVE for ever and every claim
 * is won, so that the same code runs on a laptop.
 */
public final class Rollout implements AutoCloseable {
    private static final int RENEWALS = 3;

    private final @Nullable LocalStore store;
    private final @Nullable RoleWatcher watcher;
    private final @Nullable Claims claims;
    private final @Nullable ClaimStore own; // opened here, so closed here
    private final Later later = new Later();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition roleChanged = lock.newCondition();
    private final List<RoleListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicInteger inFlight = new AtomicInteger();
    private volatile Role role;
    private volatile boolean ready;
    private volatile boolean down;
    private volatile boolean downBefore;
    private volatile long generation;
    private volatile Mode mode = Mode.BROADCAST;

    /**
     * Joins as the environment says.
     *
     * @throws IllegalArgumentException where a {@code ROLLOUT_*} variable makes no sense
     */
    public static Rollout join() {
        return Membership.fromEnvironment()
                .map(member -> {
                    JoinOptions options = JoinOptions.from(System.getenv());
                    return new Rollout(member, options, options.claims());
                })
                .orElseGet(Rollout::new);
    }

    /** Joins as the given member: for tests, and for programs that host several instances. */
    public static Rollout join(Membership membership) {
        return new Rollout(membership, JoinOptions.DEFAULT, null);
    }

    /** Joins as the given member, in another way than by default. */
    public static Rollout join(Membership membership, JoinOptions options) {
        return new Rollout(membership, options, null);
    }

    private Rollout() {
        store = null;
        watcher = null;
        claims = null;
        own = null;
        role = Role.ACTIVE;
    }

    private Rollout(Membership membership, JoinOptions options, @Nullable ClaimStore own) {
        this.own = own;
        role = Role.STARTING;
        generation = membership.generation();
        store = new LocalStore(membership);
        ClaimStore shared = options.claims();
        claims = new Claims(shared == null ? store : shared, () -> generation);
        watcher = new RoleWatcher(membership, store, options, this);
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
        down = false;
        ring();
    }

    /** Takes {@link #ready()} back: a shard was lost, a connection is down. */
    public void notReady() {
        down |= ready;
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
     * Claims an event for this instance, at most once: who wins it and dies has had it.
     *
     * @param eventId the event's type and id, 128 bytes at most: {@code create:1234}
     */
    public Claim claim(String eventId) {
        return claims == null ? alone(eventId) : claims.claim(eventId, ClaimStore.FOREVER);
    }

    /**
     * Claims an event at least once: another instance may win it when the lease is over and neither {@link #renew}
     * nor {@link #complete} came. Make the effect idempotent with {@link #effectKey}.
     *
     * @param lease longer than a pause of this process may be; from now, more than nothing
     */
    public Claim lease(String eventId, Duration lease) {
        long millis = Claims.millis(lease);
        return claims == null ? alone(eventId) : claims.claim(eventId, millis);
    }

    /**
     * Claims a follow-up of something that an instance did ({@link #own}): while its owner lives and drains, nobody
     * else wins it.
     */
    public Claim claimFollowUp(String eventId, String affinityKey) {
        return mayFollowUp(affinityKey) ? claim(eventId) : new Claim.Lost(Claims.AFFINITY_MILLIS);
    }

    /** Makes this instance's generation the owner of a key, as long as it is not fenced: a message that it sent, say. */
    public Claim own(String affinityKey) {
        return claims == null ? alone(affinityKey) : claims.own(affinityKey);
    }

    /** Whether follow-ups of the key are this instance's. */
    public boolean owns(String affinityKey) {
        return claims == null || claims.owns(affinityKey);
    }

    boolean mayFollowUp(String affinityKey) {
        return claims == null || claims.mayFollowUp(affinityKey);
    }

    Later later() {
        return later;
    }

    private static Claim alone(String eventId) {
        return new Claim.Claimed(new Token(eventId, 0, 1));
    }

    /** Makes the lease of a claim end that much from now. */
    public Hold renew(Token token, Duration lease) {
        long millis = Claims.millis(lease);
        return claims == null ? Hold.KEPT : claims.renew(token, millis);
    }

    /** Marks a leased event as done. */
    public Hold complete(Token token) {
        return claims == null ? Hold.KEPT : claims.complete(token);
    }

    /** Gives an event back, so that any instance may win it at once. */
    public Hold release(Token token) {
        return claims == null ? Hold.KEPT : claims.release(token);
    }

    /** The idempotency key of an effect, 24 characters, the same at every attempt: {@link EffectKey}. */
    public static String effectKey(String effect) {
        return EffectKey.of(effect);
    }

    /** A number of things that all instances may do in a window of time: logins, mostly. */
    public Budget budget(String name, int limit, Duration window) {
        return new Budget(this, name, limit, window);
    }

    /**
     * Whether other instances on this host have won events lately, the active one is just taking over, or nobody can
     * say. An instance that drains and gets none itself has caught up where not; else it is behind. {@link Inbox} asks
     * by itself.
     */
    public boolean othersWon(Duration lately) {
        try {
            return store != null && store.othersWon(generation, System.currentTimeMillis() - lately.toMillis());
        } catch (SQLException e) {
            return true; // who took that for "no" would end before its events do
        }
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

    /**
     * Runs the body under a lease that is renewed while it runs, and completes the event after it: at least once. Where
     * the body throws, the event is given back at once.
     */
    public <X extends Exception> Claim once(String eventId, Duration lease, Body<X> body) throws X {
        try (InFlight work = begin()) {
            Claim claim = lease(eventId, lease);
            if (claim instanceof Claim.Claimed claimed) {
                boolean done = false;
                long pause = Math.max(1, lease.toMillis() / RENEWALS);
                try (Later.Repeating renewing = later.every(pause, () -> renew(claimed.token(), lease))) {
                    body.run();
                    done = true;
                } finally {
                    if (done) {
                        complete(claimed.token());
                    } else {
                        release(claimed.token());
                    }
                }
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

    /** No event of an overlap was lost to the other instance: said aloud, and to the agent, where that cannot be. */
    void suspect(Overlap overlap) {
        if (store == null) {
            return;
        }
        try {
            long others = store.wonByOthers(generation, overlap.sinceMillis());
            if (overlap.idsDiffer(others)) {
                System.getLogger(Rollout.class.getName()).log(System.Logger.Level.ERROR, overlap.words(others));
                store.alarm(overlap.words(others));
            }
        } catch (SQLException e) {
            // the store cannot say: nothing is known
        }
    }

    boolean isReady() {
        return ready;
    }

    /**
     * Whether it had said before its role changed that it is not ready any more (a connection that it had is lost), and
     * has not come back since. What goes down later misses nothing that the other does not see.
     */
    boolean missesEvents() {
        return downBefore && down;
    }

    /** How the service's events come. */
    Mode mode() {
        return mode;
    }

    /** Whether the event is a later instance's: a lost claim may also be this instance's own, of an event that came twice. */
    boolean wonByAnother(String eventId) {
        return claims != null && claims.wonByAnother(eventId);
    }

    /** Called by the watcher alone: what to claim with from now on. */
    void generation(long now) {
        generation = now;
    }

    /** Called by the watcher alone, before the role that it matters to. */
    void mode(Mode now) {
        mode = now;
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
            downBefore = down;
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
        later.close();
        if (own != null) {
            try {
                own.close();
            } catch (SQLException e) {
                // a connection that is broken already
            }
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
