package dev.rollout.contract;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * {@code claims.db}: the contract's tables on shared memory, as one connection sees them.
 *
 * <p>Not thread safe: each thread that uses one brings its own lock. Every method is one statement or one short
 * transaction, since all instances of the service wait for it.
 */
public final class ClaimsDatabase implements ClaimStore {
    /** The file's name, in {@code $ROLLOUT_DIR}. */
    public static final String NAME = "claims.db";

    private static final long DEFAULT_WINDOW_MILLIS = 15 * 60_000;
    private static final int PRUNE_STEP = 512;
    private static final String PROMOTED = "promoted";
    private static final String DRAIN = "drain:";
    private static final String ALARM = "alarm:";

    private static final String CLAIM = """
            INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)
            SELECT scope_id, ?1, ?2, 1, ?3, ?4 FROM scope WHERE scope_id = 1 AND min_generation <= ?2
            ON CONFLICT(scope_id, event_id) DO NOTHING""";
    private static final String TAKE_OVER = """
            UPDATE claim SET generation = ?2, attempt = attempt + 1, claimed_at = ?3, lease_until = ?4
            WHERE scope_id = 1 AND event_id = ?1 AND lease_until < ?3
              AND (SELECT min_generation FROM scope WHERE scope_id = 1) <= ?2
            RETURNING attempt""";
    private static final String WHY_NOT = """
            SELECT iif(scope.min_generation > ?2, -1, coalesce(claim.lease_until, 0)) FROM scope
            LEFT JOIN claim ON claim.scope_id = scope.scope_id AND claim.event_id = ?1 WHERE scope.scope_id = 1""";
    private static final String RENEW = """
            UPDATE claim SET lease_until = ?1
            WHERE scope_id = 1 AND event_id = ?2 AND generation = ?3 AND attempt = ?4""";
    private static final String HOLDER = """
            SELECT claim.generation FROM claim JOIN scope USING(scope_id)
            WHERE scope_id = 1 AND event_id = ?1 AND claim.generation >= min_generation""";
    private static final String OLD = " claimed_at < ?2 AND (lease_until < ?3 OR lease_until = " + FOREVER + ") ";
    private static final String STRETCH = "SELECT count(*), coalesce(sum(old), 0), CAST(max(event_id) AS BLOB) FROM ("
            + "SELECT event_id," + OLD + "AS old FROM claim WHERE scope_id = 1 AND event_id > CAST(?1 AS TEXT)"
            + " ORDER BY event_id LIMIT " + PRUNE_STEP + ")";
    private static final String FORGET = "DELETE FROM claim WHERE scope_id = 1 AND event_id > CAST(?1 AS TEXT)"
            + " AND event_id <= CAST(?4 AS TEXT) AND" + OLD;

    /**
     * One row of {@code instance}.
     *
     * @param client what speaks the contract there: {@code rollout-lib (java)}
     * @param sqlite its version of SQLite
     * @param heartbeatAt Unix time, milliseconds
     */
    public record Instance(
            String id,
            long generation,
            Role role,
            boolean ready,
            int inFlight,
            String client,
            String sqlite,
            long heartbeatAt) {}

    private final Path file;
    private final Connection connection;
    private final InstantSource clock;
    private final PreparedStatement claim;
    private final PreparedStatement takeOver;
    private final PreparedStatement whyNot;
    private final PreparedStatement renew;
    private final PreparedStatement holder;
    private final PreparedStatement scope;
    private final PreparedStatement told;
    private final PreparedStatement dataVersion;

    /** The last key that was looked at for pruning; its bytes, since a foreign client may have written any. */
    private byte[] prunedTo = {};

    private ClaimsDatabase(Path file, Connection connection, InstantSource clock) throws SQLException {
        this.file = file;
        this.connection = connection;
        this.clock = clock;
        this.claim = connection.prepareStatement(CLAIM);
        this.takeOver = connection.prepareStatement(TAKE_OVER);
        this.whyNot = connection.prepareStatement(WHY_NOT);
        this.renew = connection.prepareStatement(RENEW);
        this.holder = connection.prepareStatement(HOLDER);
        this.scope = connection.prepareStatement(
                "SELECT mode, active_instance, generation, min_generation, lease_until FROM scope WHERE scope_id = 1");
        this.told = connection.prepareStatement("SELECT 1 FROM meta WHERE k = ?");
        this.dataVersion = connection.prepareStatement("PRAGMA data_version");
    }

    /**
     * Makes the database where it is missing and opens it: the agent's way in.
     *
     * @param file where; its folder is there already
     * @param service the scope's name
     */
    public static ClaimsDatabase create(Path file, String service, Mode mode) throws SQLException {
        return create(file, service, mode, InstantSource.system());
    }

    /** As {@link #create(Path, String, Mode)}, with a clock of the caller's. */
    public static ClaimsDatabase create(Path file, String service, Mode mode, InstantSource clock) throws SQLException {
        return new ClaimsDatabase(file, ClaimsFile.create(file, service, mode), clock);
    }

    /** Whether an instance may make the database: where there is none, and none is just being moved by the agent. */
    public static boolean missing(Path file) {
        return ClaimsFile.missing(file);
    }

    /** Whether the agent is just moving the database: an error then means what busy means. */
    public static boolean moving(Path file) {
        return ClaimsFile.moving(file);
    }

    /**
     * Opens a database that the agent has made: an instance's way in.
     *
     * @throws SQLException where it is missing, foreign, a copy, of another kernel or not accessible; the message says
     *     what to do
     */
    public static ClaimsDatabase open(Path file) throws SQLException {
        return new ClaimsDatabase(file, ClaimsFile.open(file), InstantSource.system());
    }

    /**
     * The contract's one statement in three, each of which decides alone, since the two that most claims need are faster
     * so: {@code RETURNING} and the clause that takes over cost as much as the insert itself.
     */
    @Override
    public Answer claim(String eventId, long generation, long leaseMillis) throws SQLException {
        while (true) {
            long now = clock.millis();
            if (set(claim, eventId, generation, now, leaseMillis).executeUpdate() > 0) {
                return Answer.won(1);
            }
            whyNot.setString(1, eventId);
            whyNot.setLong(2, generation);
            try (ResultSet row = whyNot.executeQuery()) {
                if (!row.next()) {
                    throw new SQLException("the scope row is missing in " + file);
                }
                long leaseUntil = row.getLong(1);
                if (leaseUntil < 0) {
                    return Answer.FENCED;
                }
                if (leaseUntil >= now) {
                    return Answer.lost(leaseUntil == FOREVER ? FOREVER : leaseUntil - now);
                }
            }
            // its lease is over, or it was pruned since
            try (ResultSet row =
                    set(takeOver, eventId, generation, now, leaseMillis).executeQuery()) {
                if (row.next()) {
                    return Answer.won(row.getLong(1));
                }
            }
        }
    }

    private static PreparedStatement set(
            PreparedStatement claiming, String eventId, long generation, long now, long leaseMillis)
            throws SQLException {
        claiming.setString(1, eventId);
        claiming.setLong(2, generation);
        claiming.setLong(3, now);
        claiming.setLong(4, until(now, leaseMillis));
        return claiming;
    }

    @Override
    public boolean renew(Token token, long leaseMillis) throws SQLException {
        return leaseUntil(token, until(clock.millis(), leaseMillis));
    }

    @Override
    public boolean release(Token token) throws SQLException {
        return leaseUntil(token, 0); // the row stays, so that the attempt goes on counting
    }

    private boolean leaseUntil(Token token, long millis) throws SQLException {
        renew.setLong(1, millis);
        renew.setString(2, token.eventId());
        renew.setLong(3, token.generation());
        renew.setLong(4, token.attempt());
        return renew.executeUpdate() > 0;
    }

    private static long until(long now, long leaseMillis) {
        return leaseMillis == FOREVER ? FOREVER : now + leaseMillis;
    }

    @Override
    public OptionalLong holder(String eventId) throws SQLException {
        holder.setString(1, eventId);
        try (ResultSet row = holder.executeQuery()) {
            return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
        }
    }

    @Override
    public void fence(long minGeneration) throws SQLException {
        update("UPDATE scope SET min_generation = max(min_generation, ?) WHERE scope_id = 1", minGeneration);
    }

    /**
     * One stretch of keys: read first, and only where something in it is old does it take the lock. In the order of the
     * keys, round and round, since an index by age would make every claim a third slower.
     */
    @Override
    public Pruned prune(long windowMillis) throws SQLException {
        long now = clock.millis();
        byte[] to;
        boolean more;
        boolean old;
        try (PreparedStatement stretch = connection.prepareStatement(STRETCH)) {
            stretch.setBytes(1, prunedTo);
            stretch.setLong(2, now - windowMillis);
            stretch.setLong(3, now);
            try (ResultSet row = stretch.executeQuery()) {
                row.next();
                more = row.getInt(1) == PRUNE_STEP;
                old = row.getInt(2) > 0;
                to = row.getBytes(3);
            }
        }
        int forgotten = 0;
        if (old) {
            try (PreparedStatement forget = connection.prepareStatement(FORGET)) {
                forget.setBytes(1, prunedTo);
                forget.setLong(2, now - windowMillis);
                forget.setLong(3, now);
                forget.setBytes(4, to);
                forgotten = forget.executeUpdate();
            }
        }
        prunedTo = more ? to : new byte[0];
        return new Pruned(forgotten, more);
    }

    /** Writes down for how long claims are kept: for the agent that prunes after the next start. */
    public void window(long millis) throws SQLException {
        update("INSERT OR REPLACE INTO meta VALUES('window', ?)", Long.toString(millis));
    }

    /** For how long claims are kept, in milliseconds. */
    public long window() throws SQLException {
        long written = number("SELECT coalesce((SELECT CAST(v AS INTEGER) FROM meta WHERE k = 'window'), 0)");
        return written > 0 ? written : DEFAULT_WINDOW_MILLIS;
    }

    /** The part of the room for claims that is taken: 1 is full, and a full store is unavailable. */
    public double fill() throws SQLException {
        return (number("PRAGMA page_count") - number("PRAGMA freelist_count")) / (double) ClaimsFile.MAX_PAGES;
    }

    /** Lets the file grow to that many pages and no further; less than there are means no more than there are. */
    public void room(int pages) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA max_page_count = " + Math.max(1, pages));
        }
    }

    /** The scope row. */
    public Scope scope() throws SQLException {
        try (ResultSet row = scope.executeQuery()) {
            if (!row.next()) {
                throw new SQLException("the scope row is missing in " + file);
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
    public void join(String instance, long generation, Role role, String client) throws SQLException {
        update(
                "INSERT INTO instance(instance_id, scope_id, generation, role, boot_token, ready, in_flight, client,"
                        + " sqlite, heartbeat_at) VALUES(?, 1, ?, ?, hex(randomblob(8)), 0, 0, ?, sqlite_version(), ?)"
                        + " ON CONFLICT(instance_id) DO UPDATE SET boot_token = excluded.boot_token,"
                        + " role = excluded.role, ready = 0, in_flight = 0, client = excluded.client,"
                        + " sqlite = excluded.sqlite, heartbeat_at = excluded.heartbeat_at",
                instance,
                generation,
                role.name(),
                client,
                clock.millis());
    }

    /** Writes an instance's own report. */
    public void report(String instance, Role role, boolean ready, int inFlight) throws SQLException {
        update(
                "UPDATE instance SET role = ?, ready = ?, in_flight = ?, heartbeat_at = ? WHERE instance_id = ?",
                role.name(),
                ready ? 1 : 0,
                inFlight,
                clock.millis(),
                instance);
    }

    /** One instance's row. */
    public Optional<Instance> instance(String id) throws SQLException {
        return instances().stream().filter(row -> row.id().equals(id)).findFirst();
    }

    /** All instances that have joined and were not forgotten. */
    public List<Instance> instances() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT instance_id, generation, role, ready, in_flight,"
                        + " coalesce(client, ''), coalesce(sqlite, ''), heartbeat_at FROM instance")) {
            List<Instance> found = new ArrayList<>();
            while (row.next()) {
                found.add(new Instance(
                        row.getString(1),
                        row.getLong(2),
                        Role.valueOf(row.getString(3)),
                        row.getInt(4) != 0,
                        row.getInt(5),
                        row.getString(6),
                        row.getString(7),
                        row.getLong(8)));
            }
            return found;
        }
    }

    /** Writes the scope row as the agent decided it. Never lowers a generation or the fence. */
    public void decide(Scope decided) throws SQLException {
        update(
                "UPDATE scope SET mode = ?, active_instance = ?, generation = max(generation, ?),"
                        + " min_generation = max(min_generation, ?) WHERE scope_id = 1",
                decided.mode().word(),
                decided.active(),
                decided.generation(),
                decided.minGeneration());
    }

    /** The agent's sign of life in the scope row: while it lasts, no instance promotes itself. */
    public void agentLives(long leaseMillis) throws SQLException {
        update("UPDATE scope SET lease_until = ? WHERE scope_id = 1", clock.millis() + leaseMillis);
    }

    /** True where no agent has given a sign of life within its lease. */
    public boolean agentGone() throws SQLException {
        try (ResultSet row = scope.executeQuery()) {
            return row.next() && row.getLong(5) < clock.millis();
        }
    }

    /**
     * Makes an instance the active one without an agent: only where the row still says what the caller has seen, and no
     * agent lives. The agent that comes back finds it by {@link #takePromotion}.
     */
    public boolean promote(Scope seen, String instance, long generation) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            boolean won = false;
            try {
                won = update(
                        "UPDATE scope SET active_instance = ?, generation = max(generation, ?) WHERE scope_id = 1"
                                + " AND active_instance IS ? AND generation = ? AND coalesce(lease_until, 0) < ?",
                        instance,
                        generation,
                        seen.active(),
                        seen.generation(),
                        clock.millis());
                if (won) {
                    update("INSERT OR REPLACE INTO meta VALUES('" + PROMOTED + "', ?)", instance);
                }
            } finally {
                statement.execute(won ? "COMMIT" : "ROLLBACK");
            }
            return won;
        }
    }

    /** True once after an instance has promoted itself: the row is newer than role.json. */
    public boolean takePromotion() throws SQLException {
        return update("DELETE FROM meta WHERE k = '" + PROMOTED + "'");
    }

    /** Tells one instance of a competing service to take nothing new. In a row that is the agent's alone. */
    public void tellToDrain(String instance) throws SQLException {
        update("INSERT OR REPLACE INTO meta VALUES(?, '1')", DRAIN + instance);
    }

    /** Takes {@link #tellToDrain} back: the instance that was to replace it has failed. */
    public void tellToGoOn(String instance) throws SQLException {
        update("DELETE FROM meta WHERE k = ?", DRAIN + instance);
    }

    /** Whether the instance was told to take nothing new. */
    public boolean toldToDrain(String instance) throws SQLException {
        told.setString(1, DRAIN + instance);
        try (ResultSet row = told.executeQuery()) {
            return row.next();
        }
    }

    /** Whether other generations have won an event since then, or the active instance has not yet said that it is. */
    public boolean othersWon(long generation, long sinceMillis) throws SQLException {
        return number(
                        "SELECT EXISTS(SELECT 1 FROM claim WHERE scope_id = 1 AND claimed_at >= ? AND generation <> ?)"
                                + " OR EXISTS(SELECT 1 FROM scope JOIN instance ON instance_id = active_instance"
                                + " WHERE scope.scope_id = 1 AND role <> 'ACTIVE')",
                        sinceMillis,
                        generation)
                != 0;
    }

    /** How many events other generations have won since then, Unix time in milliseconds. Looks at every claim. */
    public long wonByOthers(long generation, long sinceMillis) throws SQLException {
        return number(
                "SELECT count(*) FROM claim WHERE scope_id = 1 AND claimed_at >= ? AND generation <> ?",
                sinceMillis,
                generation);
    }

    /** Writes down what an instance has noticed and a person should know. */
    public void alarm(String instance, String words) throws SQLException {
        update("INSERT OR REPLACE INTO meta VALUES(?, ?)", ALARM + instance, words);
    }

    /** What instances have noticed, by their names. */
    public Map<String, String> alarms() throws SQLException {
        Map<String, String> alarms = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT k, v FROM meta WHERE k GLOB '" + ALARM + "*'")) {
            while (row.next()) {
                alarms.put(row.getString(1).substring(ALARM.length()), row.getString(2));
            }
        }
        return alarms;
    }

    /** Removes what is known of an instance whose container is gone. */
    public void forget(String instance) throws SQLException {
        update("DELETE FROM instance WHERE instance_id = ?", instance);
        update("DELETE FROM meta WHERE k IN (?, ?)", DRAIN + instance, ALARM + instance);
    }

    /** True where an instance has joined whose SQLite may corrupt the log that this database has. */
    public boolean logInDanger() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA journal_mode")) {
            row.next();
            if (!row.getString(1).equals("wal")) {
                return false;
            }
        }
        return instances().stream().anyMatch(instance -> !SqliteVersion.sharesWal(instance.sqlite()));
    }

    /** Moves to a file with a rollback journal, which every version of SQLite can share. This one is closed. */
    public ClaimsDatabase moveToRollbackJournal() throws SQLException {
        ClaimsFile.moveToRollbackJournal(file, connection);
        return open(file);
    }

    private long number(String sql, long... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setLong(i + 1, values[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
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

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
