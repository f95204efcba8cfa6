package dev.rollout.store;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.Token;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * Claims in PostgreSQL: the contract's statement on an UNLOGGED table (claims are worth nothing after a crash of the
 * server that lost the events, too), the server's clock, and LISTEN/NOTIFY as the doorbell. Thread safe: one
 * connection, opened again where it broke.
 */
public final class PostgresStore implements ClaimStore {
    private static final int PRUNE_BATCH = 128;
    private static final int SOCKET_SECONDS = 10;
    private static final int LISTEN_MILLIS = 1000;
    private static final String NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    private static final String[] SCHEMA = {
        "CREATE UNLOGGED TABLE IF NOT EXISTS rollout_claim(scope text NOT NULL, event_id text NOT NULL,"
                + " generation bigint NOT NULL, attempt bigint NOT NULL, host text NOT NULL, claimed_at bigint NOT NULL,"
                + " lease_until bigint NOT NULL, PRIMARY KEY(scope, event_id))",
        "CREATE INDEX IF NOT EXISTS rollout_claim_by_age ON rollout_claim(scope, claimed_at)",
        "CREATE TABLE IF NOT EXISTS rollout_fence(scope text NOT NULL, host text NOT NULL,"
                + " min_generation bigint NOT NULL, PRIMARY KEY(scope, host))",
    };

    /** ?1 scope, 2 host, 3 event, 4 generation, 5 lease in milliseconds or FOREVER. The fence is inside. */
    private static final String CLAIM = """
            INSERT INTO rollout_claim AS c(scope, event_id, generation, attempt, host, claimed_at, lease_until)
            SELECT f.scope, ?, ?, 1, f.host, n.now, CASE WHEN ? = 9223372036854775807 THEN ? ELSE n.now + ? END
            FROM rollout_fence f, (SELECT %s AS now) n
            WHERE f.scope = ? AND f.host = ? AND f.min_generation <= ?
            ON CONFLICT(scope, event_id) DO UPDATE SET generation = excluded.generation, attempt = c.attempt + 1,
              host = excluded.host, claimed_at = excluded.claimed_at, lease_until = excluded.lease_until
              WHERE c.lease_until < excluded.claimed_at
            RETURNING attempt""".formatted(NOW);

    private static final String WHY_NOT = """
            SELECT f.min_generation > ?, c.lease_until, %s FROM rollout_fence f
            LEFT JOIN rollout_claim c ON c.scope = f.scope AND c.event_id = ? WHERE f.scope = ? AND f.host = ?""".formatted(NOW);
    private static final String LEASE = """
            UPDATE rollout_claim SET lease_until = CASE WHEN ? = 9223372036854775807 THEN ? WHEN ? = 0 THEN 0 ELSE %s + ? END
            WHERE scope = ? AND event_id = ? AND generation = ? AND attempt = ? AND host = ?""".formatted(NOW);

    private final URI uri;
    private final String scope;
    private final String host;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Connection open;
    private @Nullable Thread listener;
    private volatile boolean closed;

    PostgresStore(URI uri, String scope, String host) throws SQLException {
        this.uri = uri;
        this.scope = scope;
        this.host = host;
        asked(connection -> true); // unreachable is said now, not at the first event
    }

    private interface Asking<T> {
        T of(Connection connection) throws SQLException;
    }

    private <T> T asked(Asking<T> asking) throws SQLException {
        lock.lock();
        try {
            if (closed) {
                throw new SQLException("this store is closed");
            }
            Connection connection = open;
            if (connection == null) {
                connection = connect();
                prepare(connection);
                open = connection;
            }
            try {
                return asking.of(connection);
            } catch (SQLException e) {
                if (!connection.isValid(1)) {
                    open = null; // what was asked may have been done: the caller hears the error, not a guess
                    connection.close();
                }
                throw e;
            }
        } finally {
            lock.unlock();
        }
    }

    private Connection connect() throws SQLException {
        Properties options = new Properties();
        String user = uri.getRawUserInfo();
        if (user != null) {
            String[] parts = user.split(":", 2);
            options.setProperty("user", URLDecoder.decode(parts[0], StandardCharsets.UTF_8));
            if (parts.length > 1) {
                options.setProperty("password", URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
            }
        }
        options.setProperty("socketTimeout", Integer.toString(SOCKET_SECONDS));
        options.setProperty("ApplicationName", "rollout " + scope);
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return DriverManager.getConnection(
                "jdbc:postgresql://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort()) + uri.getRawPath()
                        + query,
                options);
    }

    private void prepare(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(1380928588)"); // CREATE IF NOT EXISTS races with itself
            try {
                for (String sql : SCHEMA) {
                    statement.execute(sql);
                }
            } finally {
                statement.execute("SELECT pg_advisory_unlock(1380928588)");
            }
        }
        update(connection, "INSERT INTO rollout_fence VALUES(?, ?, 0) ON CONFLICT DO NOTHING", scope, host);
    }

    @Override
    public Answer claim(String eventId, long generation, long leaseMillis) throws SQLException {
        return asked(connection -> {
            while (true) {
                try (PreparedStatement claim = prepared(
                                connection,
                                CLAIM,
                                eventId,
                                generation,
                                leaseMillis,
                                leaseMillis,
                                leaseMillis == FOREVER ? 0 : leaseMillis,
                                scope,
                                host,
                                generation);
                        ResultSet row = claim.executeQuery()) {
                    if (row.next()) {
                        return Answer.won(row.getLong(1));
                    }
                }
                try (PreparedStatement why = prepared(connection, WHY_NOT, generation, eventId, scope, host);
                        ResultSet row = why.executeQuery()) {
                    if (!row.next()) {
                        throw new SQLException("the fence of " + scope + " is missing");
                    }
                    if (row.getBoolean(1)) {
                        return Answer.FENCED;
                    }
                    long leaseUntil = row.getLong(2);
                    if (!row.wasNull() && leaseUntil != 0) {
                        return Answer.lost(leaseUntil == FOREVER ? FOREVER : leaseUntil - row.getLong(3));
                    }
                }
            }
        });
    }

    @Override
    public boolean renew(Token token, long leaseMillis) throws SQLException {
        return lease(token, leaseMillis);
    }

    @Override
    public boolean release(Token token) throws SQLException {
        boolean released = lease(token, 0);
        if (released) {
            asked(connection -> update(connection, "SELECT pg_notify('rollout_claim', ?)", scope));
        }
        return released;
    }

    private boolean lease(Token token, long millis) throws SQLException {
        return asked(connection -> update(
                        connection,
                        LEASE,
                        millis,
                        millis,
                        millis,
                        millis == FOREVER ? 0 : millis,
                        scope,
                        token.eventId(),
                        token.generation(),
                        token.attempt(),
                        host))
                > 0;
    }

    @Override
    public OptionalLong holder(String eventId) throws SQLException {
        return asked(connection -> {
            try (PreparedStatement select = prepared(
                            connection,
                            "SELECT c.generation FROM rollout_claim c JOIN rollout_fence f USING(scope, host)"
                                    + " WHERE c.scope = ? AND c.event_id = ? AND c.generation >= f.min_generation",
                            scope,
                            eventId);
                    ResultSet row = select.executeQuery()) {
                return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
            }
        });
    }

    @Override
    public void fence(long minGeneration) throws SQLException {
        asked(connection -> update(
                connection,
                "UPDATE rollout_fence SET min_generation = greatest(min_generation, ?) WHERE scope = ? AND host = ?",
                minGeneration,
                scope,
                host));
    }

    @Override
    public Pruned prune(long windowMillis) throws SQLException {
        int forgotten = asked(connection -> update(
                connection,
                "DELETE FROM rollout_claim WHERE ctid = ANY(ARRAY(SELECT ctid FROM rollout_claim WHERE scope = ?"
                        + " AND claimed_at < " + NOW + " - ? AND (lease_until < " + NOW + " OR lease_until = "
                        + FOREVER + ") ORDER BY claimed_at LIMIT " + PRUNE_BATCH + " FOR UPDATE SKIP LOCKED))",
                scope,
                windowMillis));
        return new Pruned(forgotten, forgotten == PRUNE_BATCH);
    }

    /** On a connection of its own: a socket that waits for notifications cannot ask meanwhile. */
    @Override
    public void listen(Runnable bell) throws SQLException {
        Connection ears = connect();
        try (Statement statement = ears.createStatement()) {
            statement.execute("LISTEN rollout_claim");
        }
        PGConnection notified = ears.unwrap(PGConnection.class);
        Thread thread = new Thread(
                () -> {
                    try (ears) {
                        while (!closed) {
                            for (var notice : notified.getNotifications(LISTEN_MILLIS)) {
                                if (scope.equals(notice.getParameter())) {
                                    bell.run();
                                }
                            }
                        }
                    } catch (SQLException e) {
                        System.getLogger(PostgresStore.class.getName())
                                .log(System.Logger.Level.WARNING, "no doorbell any more: " + e.getMessage());
                    }
                },
                "rollout-listen");
        thread.setDaemon(true);
        thread.start();
        listener = thread;
    }

    private static PreparedStatement prepared(Connection connection, String sql, Object... values) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql); // the driver keeps the plan by the text
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement;
    }

    /** @return how many rows it changed */
    private static int update(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, values)) {
            return statement.execute() ? 0 : statement.getUpdateCount();
        }
    }

    @Override
    public void close() throws SQLException {
        lock.lock();
        try {
            closed = true;
            if (listener != null) {
                listener.interrupt();
            }
            if (open != null) {
                open.close();
                open = null;
            }
        } finally {
            lock.unlock();
        }
    }
}
