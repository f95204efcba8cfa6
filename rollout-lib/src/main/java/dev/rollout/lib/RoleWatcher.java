package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.Role;
import dev.rollout.contract.RoleFile;
import dev.rollout.contract.Scope;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the rows every 100 ms, or when the doorbell rings, and turns what they say into a role.
 *
 * <p>Where an instance starts: as the rows say; where a reboot took them, as role.json says (it is on disk); without
 * both it stays STARTING, or STANDBY when it was started beside an active instance. Without rows a role is kept, never
 * gained.
 */
final class RoleWatcher {
    private static final System.Logger LOG = System.getLogger(RoleWatcher.class.getName());
    private static final long LOOK_MILLIS = 100;
    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long LEASE_MILLIS = 15_000;
    private static final long PRUNE_MILLIS = 1000;
    private static final int PRUNE_BATCHES = 20;

    private final Membership member;
    private final LocalStore store;
    private final JoinOptions options;
    private final Rollout rollout;
    private final Semaphore doorbell = new Semaphore(0);
    private final Thread thread;
    private volatile boolean stopped;
    private boolean joined;
    private boolean wasActive;
    private boolean alarmed;
    private long fenced;
    private long seenVersion = -1;
    private long reportedAt;
    private @Nullable Role reportedRole;
    private boolean reportedReady;
    private int reportedInFlight;

    RoleWatcher(Membership member, LocalStore store, JoinOptions options, Rollout rollout) {
        this.member = member;
        this.store = store;
        this.options = options;
        this.rollout = rollout;
        this.thread = new Thread(this::watch, "rollout-role");
        thread.setDaemon(true);
    }

    void start() {
        look(); // the first look is the caller's: join() returns with a role
        thread.start();
        ClaimStore shared = options.claims();
        if (shared != null) {
            rollout.later().every(PRUNE_MILLIS, () -> prune(shared));
        }
    }

    /** A store that hosts share has no agent that prunes it: whoever is active does, a few batches a second. */
    private void prune(ClaimStore shared) {
        try {
            for (int batch = 0; batch < PRUNE_BATCHES && rollout.role() == Role.ACTIVE; batch++) {
                if (!shared.prune(Membership.WINDOW.toMillis()).more()) {
                    return;
                }
            }
        } catch (SQLException e) {
            LOG.log(System.Logger.Level.WARNING, "old claims cannot be removed: " + e.getMessage());
        }
    }

    void stop() {
        stopped = true;
        ring();
    }

    void ring() {
        doorbell.release();
    }

    private void watch() {
        while (!stopped) {
            try {
                if (doorbell.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                    doorbell.drainPermits();
                    seenVersion = -1;
                }
            } catch (InterruptedException e) {
                return;
            }
            if (!stopped) {
                look();
            }
        }
    }

    private void look() {
        try {
            if (store.reopenIfReplaced()) {
                seenVersion = -1;
                joined = false;
            }
            if (!joined) {
                store.join(rollout.role());
                joined = true;
            }
            long version = store.dataVersion();
            if (version != seenVersion) {
                seenVersion = version;
                read();
            }
            report();
            alarmed = false;
        } catch (SQLException e) {
            withoutRows(e);
        }
    }

    private void read() throws SQLException {
        Scope scope = store.scope();
        if (scope.active() == null && scope.generation() == 0 && member.mayStartAlone() && store.agentGone()) {
            store.promote(scope); // nothing at all is known: one of those that were not started as a standby wins
            scope = store.scope();
        }
        long generation = scope.generationOf(member.instance(), member.generation());
        rollout.generation(generation);
        ClaimStore shared = options.claims();
        if (shared != null && scope.minGeneration() > fenced) {
            shared.fence(scope.minGeneration()); // the agent's word for this host, carried to where the claims are
            fenced = scope.minGeneration();
        }
        become(scope, scope.roleOf(member.instance(), generation, wasActive, store.toldToDrain()));
    }

    /** The rows cannot be read: the file on disk still tells who is active. Without both, a role is kept, never gained. */
    private void withoutRows(SQLException why) {
        if (!alarmed) {
            alarmed = true;
            LOG.log(
                    System.Logger.Level.WARNING,
                    "roles and claims of " + member.instance() + " cannot be read: " + why.getMessage());
        }
        try {
            Optional<RoleFile> file = RoleFile.read(member.roleFile());
            if (file.isPresent()) {
                Scope scope = file.get().scope();
                become(scope, scope.roleOf(member.instance(), member.generation(), wasActive, false));
            } else if (rollout.role() == Role.STARTING && !stopped) {
                rollout.become(Role.STANDBY);
            }
        } catch (IOException unreadable) {
            // neither says anything: the role stays what it was
        }
    }

    private void become(Scope scope, Role role) {
        wasActive |= role == Role.ACTIVE;
        if (!stopped) {
            rollout.mode(scope.mode());
            rollout.become(role);
        }
    }

    private void report() throws SQLException {
        Role role = rollout.role();
        boolean ready = rollout.isReady();
        int inFlight = rollout.inFlight();
        long now = System.nanoTime();
        boolean beat = now - reportedAt > HEARTBEAT_NANOS;
        boolean news = role != reportedRole || ready != reportedReady || (inFlight == 0) != (reportedInFlight == 0);
        if (news || beat) {
            store.report(role, ready, inFlight);
            reportedAt = now;
            reportedRole = role;
            reportedReady = ready;
            reportedInFlight = inFlight;
        }
        if (beat && role == Role.STANDBY && ready) {
            standIn();
        }
    }

    /** The active instance is dead, and no agent is there to say who is next. */
    private void standIn() throws SQLException {
        Scope scope = store.scope();
        String active = scope.active();
        if (active == null
                || !store.agentGone()
                || System.currentTimeMillis() - store.heartbeat(active) < LEASE_MILLIS) {
            return;
        }
        if (options.whenAgentGone() == WhenAgentGone.PROMOTE && store.promote(scope)) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    member.instance() + " is active now: " + active + " gives no sign of life, nor does the agent");
            seenVersion = -1;
        } else if (!alarmed) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    active + " is active and gives no sign of life, nor does the agent: " + member.instance()
                            + " waits (ROLLOUT_WHEN_AGENT_GONE=promote would let it stand in)");
        }
        alarmed = true;
    }
}
