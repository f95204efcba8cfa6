package dev.rollout.lib;

import dev.rollout.contract.Role;
import dev.rollout.contract.RoleFile;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the rows every 100 ms, or when the doorbell rings, and turns what they say into a role.
 *
 * <p>Where an instance starts: as role.json says where it is there (it survives a reboot, the rows do not); else as the
 * scope row says; with neither it stays STARTING, or STANDBY when it was started beside an active instance.
 */
final class RoleWatcher {
    private static final long LOOK_MILLIS = 100;
    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Membership member;
    private final ClaimStore store;
    private final Rollout rollout;
    private final Path roleFile;
    private final Semaphore doorbell = new Semaphore(0);
    private final Thread thread;
    private volatile boolean stopped;
    private boolean joined;
    private boolean wasActive;
    private long seenVersion = -1;
    private long reportedAt;
    private @Nullable Role reportedRole;
    private boolean reportedReady;
    private int reportedInFlight;

    RoleWatcher(Membership member, ClaimStore store, Rollout rollout) {
        this.member = member;
        this.store = store;
        this.rollout = rollout;
        this.roleFile = member.folder().resolve("state").resolve(RoleFile.NAME);
        this.thread = new Thread(this::watch, "rollout-role");
        thread.setDaemon(true);
    }

    void start() {
        look(); // the first look is the caller's: join() returns with a role
        thread.start();
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
                become(store.read(wasActive));
            }
            report();
        } catch (SQLException e) {
            withoutRows();
        }
    }

    /** The rows cannot be read: the file on disk still tells who is active. Without both, a role is kept, never gained. */
    private void withoutRows() {
        try {
            Optional<RoleFile> file = RoleFile.read(roleFile);
            if (file.isPresent()) {
                become(file.get().scope().roleOf(member.instance(), member.generation(), wasActive, false));
            } else if (rollout.role() == Role.STARTING) {
                become(Role.STANDBY);
            }
        } catch (IOException unreadable) {
            // neither says anything: the role stays what it was
        }
    }

    private void become(Role role) {
        wasActive |= role == Role.ACTIVE;
        if (!stopped) {
            rollout.become(role);
        }
    }

    private void report() throws SQLException {
        Role role = rollout.role();
        boolean ready = rollout.isReady();
        int inFlight = rollout.inFlight();
        long now = System.nanoTime();
        boolean news = role != reportedRole || ready != reportedReady || (inFlight == 0) != (reportedInFlight == 0);
        if (news || now - reportedAt > HEARTBEAT_NANOS) {
            store.report(role, ready, inFlight);
            reportedAt = now;
            reportedRole = role;
            reportedReady = ready;
            reportedInFlight = inFlight;
        }
    }
}
