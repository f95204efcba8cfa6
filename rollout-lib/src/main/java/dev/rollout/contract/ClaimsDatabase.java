package dev.rollout.contract;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.sqlite.BusyHandler;

/**
 * {@code claims.db}: the contract's tables on shared memory, as one connection sees them.
 *
 * <p>Not thread safe: each thread that uses one brings its own lock. Every method is one statement or one short
 * transaction, since all instances of the service wait for it.
 */
public final class ClaimsDatabase implements AutoCloseable {
    /** The file's name, in {@code $ROLLOUT_DIR}. */
    public static final String NAME = "claims.db";

    /** {@code application_id}: "ROLL". */
    public static final int APPLICATION_ID = 0x524F4C4C;

    /** {@code lease_until} of a claim that is never given to another: at most once. */
    public static final long FOREVER = Long.MAX_VALUE;

    private static final int VERSION = 1;
    private static final int PRUNE_BATCH = 128;
    private static final Duration BUSY_LIMIT = Duration.ofSeconds(2);

    private static final String[] SCHEMA = {
        "CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE IF NOT EXISTS scope(scope_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mode TEXT NOT NULL,
          active_instance TEXT, generation INTEGER NOT NULL DEFAULT 0, min_generation INTEGER NOT NULL DEFAULT 0,
          lease_until INTEGER, claims_since INTEGER NOT NULL)""",
        """
        CREATE TABLE IF NOT EXISTS instance(instance_id TEXT PRIMARY KEY, scope_id INTEGER NOT NULL,
          generation INTEGER NOT NULL, role TEXT NOT NULL, boot_token TEXT, ready INTEGER NOT NULL DEFAULT 0,
          in_flight INTEGER NOT NULL DEFAULT 0, client TEXT, sqlite TEXT, heartbeat_at INTEGER NOT NULL)
          WITHOUT ROWID""",
        """
        CREATE TABLE IF NOT EXISTS claim(scope_id INTEGER NOT NULL, event_id TEXT NOT NULL,
          generation INTEGER NOT NULL, attempt INTEGER NOT NULL, claimed_at INTEGER NOT NULL,
          lease_until INTEGER NOT NULL, PRIMARY KEY(scope_id, event_id)) WITHOUT ROWID""",
        "CREATE INDEX IF NOT EXISTS claim_by_age ON claim(scope_id, claimed_at)",
    };

    private static final String CLAIM = """
            INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)
            SELECT scope_id, ?2, ?3, 1, ?4, ?5 FROM scope WHERE scope_id = ?1 AND min_generation <= ?3
            ON CONFLICT(scope_id, event_id) DO UPDATE SET generation = excluded.generation, attempt = attempt + 1,
              claimed_at = excluded.claimed_at, lease_until = excluded.lease_until
              WHERE claim.lease_until < excluded.claimed_at
            RETURNING attempt""";

    /** One row of {@code instance}. */
    public record Instance(
            String id, long generation, Role role, boolean ready, int inFlight, String client, long heartbeatAt) {}

    private final Connection connection;
    private final long scopeId;
    private final PreparedStatement claim;
    private final PreparedStatement scope;
    private final PreparedStatement dataVersion;

    private ClaimsDatabase(Connection connection, long scopeId) throws SQLException {
        this.connection = connection;
        this.scopeId = scopeId;
        this.claim = connection.prepareStatement(CLAIM);
        this.scope = connection.prepareStatement(
                "SELECT mode, active_instance, generation, min_generation FROM scope WHERE scope_id = " + scopeId);
        this.dataVersion = connection.prepareStatement("PRAGMA data_version");
    }

    /**
     * Makes the database where it is missing and opens it: the agent's way in.
     *
     * @param file where; its folder is there already
     * @param service the scope's name
     */
    public static ClaimsDatabase create(Path file, String service, Mode mode) throws SQLException {
        Connection connection = connect(file);
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("PRAGMA application_id = " + APPLICATION_ID);
            statement.execute("BEGIN IMMEDIATE");
            for (String table : SCHEMA) {
                statement.execute(table);
            }
            statement.execute("INSERT OR IGNORE INTO meta VALUES('uuid', '" + UUID.randomUUID() + "')");
            statement.execute("INSERT OR IGNORE INTO meta VALUES('boot', '" + bootId() + "')");
            statement.execute("PRAGMA user_version = " + VERSION);
            try (PreparedStatement row = connection.prepareStatement(
                    "INSERT INTO scope(scope_id, name, mode, claims_since) VALUES(1, ?, ?, ?)"
                            + " ON CONFLICT(scope_id) DO UPDATE SET mode = excluded.mode")) {
                row.setString(1, service);
                row.setString(2, mode.word());
                row.setLong(3, System.currentTimeMillis());
                row.executeUpdate();
            }
            statement.execute("COMMIT");
        }
        return new ClaimsDatabase(connection, 1);
    }

    /**
     * Opens a database that the agent has made: an instance's way in.
     *
     * @throws SQLException where it is missing, foreign or not accessible; the message says what to do
     */
    public static ClaimsDatabase open(Path file) throws SQLException {
        if (!Files.exists(file)) {
            throw new SQLException(
                    file + " is missing: the agent makes it before it starts an instance (is $ROLLOUT_DIR mounted?)");
        }
        if (!Files.isWritable(file)) {
            throw new SQLException(file + " is not writable by this user: give the container the group of "
                    + file.toAbsolutePath().getParent() + " (the agent does so with group_add)");
        }
        Connection connection = connect(file);
        try (Statement statement = connection.createStatement();
                ResultSet id = statement.executeQuery("PRAGMA application_id")) {
            id.next();
            if (id.getInt(1) != APPLICATION_ID) {
                throw new SQLException(file + " is not a claims database of Rollout");
            }
            return new ClaimsDatabase(connection, 1);
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    private static Connection connect(Path file) throws SQLException {
        Properties options = new Properties();
        options.setProperty("jdbc.get_generated_keys", "false"); // 28 % of a claim's time
        Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file.toAbsolutePath(), options);
        BusyHandler.setHandler(connection, new YieldingHandler());
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA synchronous = OFF"); // right on tmpfs: there is no disk to wait for
            statement.execute("PRAGMA wal_autocheckpoint = 4000");
        }
        return connection;
    }

    /** Claims an event; the attempt, or 0 where another has it or this generation is fenced. */
    public long claim(String eventId, long generation, long nowMillis, long leaseUntil) throws SQLException {
        claim.setLong(1, scopeId);
        claim.setString(2, eventId);
        claim.setLong(3, generation);
        claim.setLong(4, nowMillis);
        claim.setLong(5, leaseUntil);
        try (ResultSet row = claim.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    /** Gives a claim back, so that another may take it at once. False: it was not held by this token any more. */
    public boolean release(String eventId, long generation, long attempt) throws SQLException {
        return update(
                "DELETE FROM claim WHERE scope_id = ? AND event_id = ? AND generation = ? AND attempt = ?",
                scopeId,
                eventId,
                generation,
                attempt);
    }

    /** The scope row. */
    public Scope scope() throws SQLException {
        try (ResultSet row = scope.executeQuery()) {
            if (!row.next()) {
                throw new SQLException("the scope row is missing");
            }
            return new Scope(Mode.of(row.getString(1)), row.getString(2), row.getLong(3), row.getLong(4));
        }
    }

    /** Changes whenever another connection has written: cheap to ask ten times a second. */
    public long dataVersion() throws SQLException {
        try (ResultSet row = dataVersion.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Makes the instance known, or known again after a restart. */
    public void join(String instance, long generation, Role role, String client, String sqlite) throws SQLException {
        update(
                "INSERT INTO instance(instance_id, scope_id, generation, role, ready, in_flight, client, sqlite,"
                        + " heartbeat_at) VALUES(?, ?, ?, ?, 0, 0, ?, ?, ?) ON CONFLICT(instance_id) DO UPDATE SET"
                        + " role = excluded.role, ready = 0, in_flight = 0, client = excluded.client,"
                        + " sqlite = excluded.sqlite, heartbeat_at = excluded.heartbeat_at",
                instance,
                scopeId,
                generation,
                role.name(),
                client,
                sqlite,
                System.currentTimeMillis());
    }

    /** Writes an instance's own report. */
    public void report(String instance, Role role, boolean ready, int inFlight) throws SQLException {
        update(
                "UPDATE instance SET role = ?, ready = ?, in_flight = ?, heartbeat_at = ? WHERE instance_id = ?",
                role.name(),
                ready ? 1 : 0,
                inFlight,
                System.currentTimeMillis(),
                instance);
    }

    /** One instance's row. */
    public Optional<Instance> instance(String id) throws SQLException {
        return instances().stream().filter(row -> row.id().equals(id)).findFirst();
    }

    /** All instances that have joined and were not forgotten. */
    public List<Instance> instances() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT instance_id, generation, role, ready, in_flight, coalesce(client, ''), heartbeat_at"
                                + " FROM instance WHERE scope_id = " + scopeId)) {
            List<Instance> found = new ArrayList<>();
            while (row.next()) {
                found.add(new Instance(
                        row.getString(1),
                        row.getLong(2),
                        Role.valueOf(row.getString(3)),
                        row.getInt(4) != 0,
                        row.getInt(5),
                        row.getString(6),
                        row.getLong(7)));
            }
            return found;
        }
    }

    /** Writes the scope row as the agent decided it. Never lowers a generation or the fence. */
    public void decide(Scope decided) throws SQLException {
        update(
                "UPDATE scope SET mode = ?, active_instance = ?, generation = max(generation, ?),"
                        + " min_generation = max(min_generation, ?) WHERE scope_id = ?",
                decided.mode().word(),
                decided.active(),
                decided.generation(),
                decided.minGeneration(),
                scopeId);
    }

    /** Tells one instance of a competing service to take nothing new. */
    public void tellToDrain(String instance) throws SQLException {
        update("UPDATE instance SET role = ? WHERE instance_id = ?", Role.DRAINING.name(), instance);
    }

    /** Removes the row of an instance whose container is gone. */
    public void forget(String instance) throws SQLException {
        update("DELETE FROM instance WHERE instance_id = ?", instance);
    }

    /**
     * Forgets claims older than the dedupe window, a batch a call, by key: one large DELETE would hold up every
     * claim behind it.
     *
     * @return how many were removed; less than a batch means that no old ones are left
     */
    public int prune(long claimedBefore) throws SQLException {
        List<String> old = new ArrayList<>(PRUNE_BATCH);
        try (PreparedStatement oldest = connection.prepareStatement(
                "SELECT event_id FROM claim WHERE scope_id = ? AND claimed_at < ? ORDER BY claimed_at LIMIT "
                        + PRUNE_BATCH)) {
            oldest.setLong(1, scopeId);
            oldest.setLong(2, claimedBefore);
            try (ResultSet row = oldest.executeQuery()) {
                while (row.next()) {
                    old.add(row.getString(1));
                }
            }
        }
        if (old.isEmpty()) {
            return 0;
        }
        connection.setAutoCommit(false);
        try (PreparedStatement delete = connection.prepareStatement(
                "DELETE FROM claim WHERE scope_id = ? AND event_id = ? AND claimed_at < ?")) {
            for (String id : old) {
                delete.setLong(1, scopeId);
                delete.setString(2, id);
                delete.setLong(3, claimedBefore); // taken over since the read: not old any more
                delete.executeUpdate();
            }
            connection.commit();
        } catch (SQLException e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
        return old.size();
    }

    /** The version of SQLite that this client runs. */
    public String sqliteVersion() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT sqlite_version()")) {
            row.next();
            return row.getString(1);
        }
    }

    private boolean update(String sql, @Nullable Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement.executeUpdate() > 0;
        }
    }

    private static String bootId() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
        } catch (IOException e) {
            return "unknown";
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }

    /**
     * Busy is the normal case (both instances ask in the same instant) and lasts microseconds: give the core away and
     * ask again, where SQLite's own handler sleeps for milliseconds.
     */
    private static final class YieldingHandler extends BusyHandler {
        private static final int YIELDS = 200;
        private long since;

        @Override
        protected int callback(int asked) {
            if (asked == 0) {
                since = System.nanoTime();
            }
            if (asked < YIELDS) {
                Thread.yield();
            } else {
                LockSupport.parkNanos(100_000);
            }
            return System.nanoTime() - since < BUSY_LIMIT.toNanos() ? 1 : 0;
        }
    }
}
