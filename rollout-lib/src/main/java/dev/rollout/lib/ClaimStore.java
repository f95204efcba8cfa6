package dev.rollout.lib;

import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Role;
import dev.rollout.contract.Scope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.SQLException;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** This process's one connection to the claims database, opened again where the file was replaced. */
final class ClaimStore {
    private static final int MAX_EVENT_ID_BYTES = 128;

    private final Membership member;
    private final Path file;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable ClaimsDatabase database;
    private @Nullable Object fileKey;
    private long generation;
    private boolean closed;

    ClaimStore(Membership member) {
        this.member = member;
        this.file = member.folder().resolve(ClaimsDatabase.NAME);
        this.generation = member.generation();
    }

    Claim claim(String eventId) {
        if (eventId.isEmpty() || eventId.getBytes(StandardCharsets.UTF_8).length > MAX_EVENT_ID_BYTES) {
            throw new IllegalArgumentException("an event id has 1 to " + MAX_EVENT_ID_BYTES + " bytes: " + eventId);
        }
        lock.lock();
        try {
            ClaimsDatabase open = database();
            long attempt = open.claim(eventId, generation, System.currentTimeMillis(), ClaimsDatabase.FOREVER);
            if (attempt > 0) {
                return new Claim.Claimed(generation, attempt);
            }
            return open.scope().minGeneration() > generation ? new Claim.Fenced() : new Claim.Lost();
        } catch (SQLException e) {
            return new Claim.Unavailable(e);
        } finally {
            lock.unlock();
        }
    }

    /** Announces the instance. */
    void join(Role role) throws SQLException {
        lock.lock();
        try {
            ClaimsDatabase open = database();
            open.join(member.instance(), member.generation(), role, "rollout-lib (java)", open.sqliteVersion());
        } finally {
            lock.unlock();
        }
    }

    /** What the rows say for this instance, and the generation it claims with from now on. */
    Role read(boolean wasActive) throws SQLException {
        lock.lock();
        try {
            ClaimsDatabase open = database();
            Scope scope = open.scope();
            boolean told = open.instance(member.instance())
                    .map(row -> row.role() == Role.DRAINING)
                    .orElse(false);
            generation = scope.generationOf(member.instance(), member.generation());
            return scope.roleOf(member.instance(), generation, wasActive, told);
        } finally {
            lock.unlock();
        }
    }

    long dataVersion() throws SQLException {
        lock.lock();
        try {
            return database().dataVersion();
        } finally {
            lock.unlock();
        }
    }

    void report(Role role, boolean ready, int inFlight) throws SQLException {
        lock.lock();
        try {
            database().report(member.instance(), role, ready, inFlight);
        } finally {
            lock.unlock();
        }
    }

    /** True where the file at the path is not the one that is open: deleted, or made anew after a reboot. */
    boolean reopenIfReplaced() throws SQLException {
        lock.lock();
        try {
            if (database != null && Objects.equals(fileKey, keyOfFile())) {
                return false;
            }
            closeDatabase();
            database();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private ClaimsDatabase database() throws SQLException {
        if (closed) {
            throw new SQLException("this instance has left");
        }
        ClaimsDatabase open = database;
        if (open == null) {
            fileKey = keyOfFile();
            open = ClaimsDatabase.open(file);
            database = open;
        }
        return open;
    }

    private @Nullable Object keyOfFile() {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            return null; // missing: opening it says so
        }
    }

    private void closeDatabase() {
        ClaimsDatabase open = database;
        database = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException e) {
                // a handle on a file that is gone: nothing is left to lose
            }
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            closeDatabase();
        } finally {
            lock.unlock();
        }
    }
}
