package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.RoleFile;
import dev.rollout.contract.Scope;
import dev.rollout.contract.Token;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** This process's one connection to the claims database, opened again where the file was replaced. Thread safe. */
final class LocalStore implements ClaimStore {
    private static final String CLIENT = "rollout-lib (java)";
    private static final long MOVE_NANOS = 2_000_000_000L;
    private static final long MOVE_LOOK_NANOS = 1_000_000L;

    private final Membership member;
    private final Path file;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable ClaimsDatabase database;
    private @Nullable Object fileKey;
    private boolean closed;

    LocalStore(Membership member) {
        this.member = member;
        this.file = member.folder().resolve(ClaimsDatabase.NAME);
    }

    private interface Asking<T extends @Nullable Object> {
        T of(ClaimsDatabase database) throws SQLException;
    }

    /** Asks; where the file was replaced behind an error, or is just being replaced, asks the new one. */
    private <T extends @Nullable Object> T ask(Asking<T> asking) throws SQLException {
        lock.lock();
        try {
            try {
                return asking.of(database());
            } catch (SQLException e) {
                awaitMove();
                if (isOpen()) {
                    throw e;
                }
                closeDatabase();
                return asking.of(database());
            }
        } finally {
            lock.unlock();
        }
    }

    /** It takes a few system calls; an agent that is short of processor may be a while at them, or have died there. */
    private void awaitMove() {
        long start = System.nanoTime();
        while (ClaimsDatabase.moving(file) && System.nanoTime() - start < MOVE_NANOS) {
            LockSupport.parkNanos(MOVE_LOOK_NANOS);
        }
    }

    @Override
    public Answer claim(String eventId, long generation, long leaseMillis) throws SQLException {
        return ask(open -> open.claim(eventId, generation, leaseMillis));
    }

    @Override
    public boolean renew(Token token, long leaseMillis) throws SQLException {
        return ask(open -> open.renew(token, leaseMillis));
    }

    @Override
    public boolean release(Token token) throws SQLException {
        return ask(open -> open.release(token));
    }

    @Override
    public OptionalLong holder(String eventId) throws SQLException {
        return ask(open -> open.holder(eventId));
    }

    @Override
    public void fence(long minGeneration) throws SQLException {
        throw new SQLException("the fence of a host is its agent's to raise");
    }

    @Override
    public Pruned prune(long windowMillis) {
        return new Pruned(0, false); // the agent's work
    }

    /** Announces the instance. */
    void join(Role role) throws SQLException {
        ask(open -> {
            open.join(member.instance(), member.generation(), role, CLIENT);
            return true;
        });
    }

    Scope scope() throws SQLException {
        return ask(ClaimsDatabase::scope);
    }

    /** True where this instance of a competing service was told to take nothing new. */
    boolean toldToDrain() throws SQLException {
        return ask(open -> open.toldToDrain(member.instance()));
    }

    boolean othersWon(long generation, long sinceMillis) throws SQLException {
        return ask(open -> open.othersWon(generation, sinceMillis));
    }

    long wonByOthers(long generation, long sinceMillis) throws SQLException {
        return ask(open -> open.wonByOthers(generation, sinceMillis));
    }

    void alarm(String words) throws SQLException {
        ask(open -> {
            open.alarm(member.instance(), words);
            return true;
        });
    }

    /** When the instance last gave a sign of life, Unix time in milliseconds; 0 where it never did. */
    long heartbeat(String instance) throws SQLException {
        return ask(open -> open.instance(instance))
                .map(ClaimsDatabase.Instance::heartbeatAt)
                .orElse(0L);
    }

    boolean agentGone() throws SQLException {
        return ask(ClaimsDatabase::agentGone);
    }

    boolean promote(Scope seen) throws SQLException {
        return ask(open -> open.promote(seen, member.instance(), member.generation()));
    }

    long dataVersion() throws SQLException {
        return ask(ClaimsDatabase::dataVersion);
    }

    void report(Role role, boolean ready, int inFlight) throws SQLException {
        ask(open -> {
            open.report(member.instance(), role, ready, inFlight);
            return true;
        });
    }

    /** True where the file at the path is not the one that is open: deleted, or made anew after a reboot. */
    boolean reopenIfReplaced() throws SQLException {
        lock.lock();
        try {
            if (isOpen()) {
                return false;
            }
            boolean first = database == null;
            closeDatabase();
            database();
            return !first;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the file at the path is the one that is open. */
    private boolean isOpen() {
        return database != null && Objects.equals(fileKey, keyOfFile());
    }

    private ClaimsDatabase database() throws SQLException {
        if (closed) {
            throw new SQLException("this instance has left");
        }
        ClaimsDatabase open = database;
        if (open == null) {
            if (ClaimsDatabase.missing(file) && Files.isWritable(member.folder())) {
                makeAnew();
            }
            fileKey = keyOfFile();
            open = ClaimsDatabase.open(file);
            database = open;
        }
        return open;
    }

    /**
     * A reboot took shared memory with it, and this container was started before the agent. What role.json says
     * holds; where that is missing too, {@link RoleWatcher} lets one instance win the empty row.
     */
    private void makeAnew() throws SQLException {
        Optional<Scope> durable = durable();
        try (ClaimsDatabase fresh = ClaimsDatabase.create(
                file, member.service(), durable.map(Scope::mode).orElse(Mode.BROADCAST))) {
            if (durable.isPresent()) {
                fresh.decide(durable.get());
            }
        }
    }

    private Optional<Scope> durable() throws SQLException {
        try {
            return RoleFile.read(member.roleFile()).map(RoleFile::scope);
        } catch (IOException e) {
            throw new SQLException("role.json cannot be read: " + e.getMessage(), e);
        }
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

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            closeDatabase();
        } finally {
            lock.unlock();
        }
    }
}
