package dev.rollout.agent.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.Journal;
import dev.rollout.agent.rollout.JournalFull;
import dev.rollout.agent.rollout.ServiceBusy;
import dev.rollout.agent.rollout.machine.Event;
import dev.rollout.agent.rollout.machine.Phase;
import dev.rollout.contract.NativeSqlite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The journal in SQLite. What recovery needs (a rollout's beginning, its outcomes, its end) is on the disk when the call
 * returns, and survives a power cut. What only watchers need is written without waiting for the disk: it follows with the
 * next entry that does, and is lost at most together with the machine.
 *
 * <p>A full disk must not leave a rollout in the middle: a ballast file beside the database is given up in that moment,
 * which makes room to journal the way back.
 */
public final class SqliteJournal implements Journal, AutoCloseable {
    private static final int BALLAST_BYTES = 1 << 20;
    private static final int KEPT_ROLLOUTS = 200;
    private static final int KEPT_UNWRITTEN = 100;
    private static final String[] SCHEMA = {
        """
        CREATE TABLE IF NOT EXISTS rollout(id TEXT PRIMARY KEY, project TEXT NOT NULL, service TEXT NOT NULL,
          generation INTEGER NOT NULL, ticket TEXT NOT NULL, phase TEXT NOT NULL, begun_at INTEGER NOT NULL,
          ended_at INTEGER, last_line TEXT NOT NULL DEFAULT '')""",
        "CREATE INDEX IF NOT EXISTS rollout_by_service ON rollout(project, service, begun_at)",
        "CREATE UNIQUE INDEX IF NOT EXISTS one_open_per_service ON rollout(project, service) WHERE ended_at IS NULL",
        """
        CREATE TABLE IF NOT EXISTS entry(seq INTEGER PRIMARY KEY AUTOINCREMENT, rollout TEXT NOT NULL,
          at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, details TEXT)""",
        "CREATE INDEX IF NOT EXISTS entry_by_rollout ON entry(rollout, seq)",
        """
        CREATE TABLE IF NOT EXISTS service(project TEXT NOT NULL, service TEXT NOT NULL, generation INTEGER NOT NULL,
          PRIMARY KEY(project, service)) WITHOUT ROWID""",
        """
        CREATE TABLE IF NOT EXISTS lock(project TEXT NOT NULL, service TEXT NOT NULL, by TEXT NOT NULL,
          reason TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(project, service)) WITHOUT ROWID""",
        "CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID",
    };

    private final Connection connection;
    private final Path ballast;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition written = lock.newCondition();
    /** The last words of rollouts for which the disk had no room: whoever follows them hears them all the same. */
    private final Map<String, Entry> unwritten = new LinkedHashMap<>();

    private long writes;

    /**
     * Opens, or makes, the journal in a folder.
     *
     * @throws IOException where the folder cannot be used
     */
    public SqliteJournal(Path folder, InstantSource clock) throws IOException {
        this.clock = clock;
        this.ballast = folder.resolve("ballast");
        try {
            NativeSqlite.load();
            connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("journal.db"));
            try (Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA journal_mode = WAL");
                statement.execute("PRAGMA synchronous = FULL");
                statement.execute("PRAGMA cache_size = -512");
                for (String table : SCHEMA) {
                    statement.execute(table);
                }
                statement.execute(
                        "DELETE FROM entry WHERE rollout IN (SELECT id FROM rollout WHERE ended_at IS NOT NULL"
                                + " ORDER BY begun_at DESC LIMIT -1 OFFSET " + KEPT_ROLLOUTS + ")");
            }
        } catch (SQLException e) {
            throw new IOException("the journal in " + folder + " cannot be opened: " + e.getMessage(), e);
        }
        if (!Files.exists(ballast)) {
            try {
                Files.write(ballast, new byte[BALLAST_BYTES]);
            } catch (IOException e) {
                Files.deleteIfExists(ballast); // full already: the first write says so
            }
        }
    }

    /** A value that outlives the agent: its id, say. */
    public String meta(String key, java.util.function.Supplier<String> first) {
        return locked(() -> {
            update("INSERT OR IGNORE INTO meta VALUES(?, ?)", key, first.get());
            return query("SELECT v FROM meta WHERE k = ?", row -> row.getString(1), key)
                    .getFirst();
        });
    }

    @Override
    public void begin(Ticket ticket) {
        locked(() -> {
            if (!query(
                            "SELECT id FROM rollout WHERE project = ? AND service = ? AND ended_at IS NULL",
                            row -> row.getString(1),
                            ticket.key().project(),
                            ticket.key().service())
                    .isEmpty()) {
                throw new ServiceBusy(ticket.key() + " is being rolled", "");
            }
            update(
                    "INSERT INTO rollout(id, project, service, generation, ticket, phase, begun_at) VALUES(?, ?, ?, ?, ?, ?, ?)",
                    ticket.id(),
                    ticket.key().project(),
                    ticket.key().service(),
                    ticket.generation(),
                    Json.text(ticket),
                    Phase.PLANNED.name(),
                    ticket.at().toEpochMilli());
            return true;
        });
    }

    @Override
    public void intend(String rollout, Phase phase, int batch) {
        append(rollout, "intent", phase.name(), Map.of("batch", Integer.toString(batch), "action", phase.action()));
    }

    @Override
    public void outcome(String rollout, Event event, Phase next, String words) {
        locked(() -> {
            connection.setAutoCommit(false);
            try {
                insert(rollout, "outcome", event.name(), Map.of("next", next.name(), "words", words));
                update("UPDATE rollout SET phase = ? WHERE id = ?", next.name(), rollout);
                connection.commit();
            } catch (SQLException e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
            tell();
            return true;
        });
    }

    @Override
    public void note(String rollout, String kind, String text, Map<String, String> details) {
        try {
            append(rollout, kind, text, details);
        } catch (JournalFull e) {
            if (kind.equals("end")) {
                keep(rollout, new Entry(Long.MAX_VALUE, clock.instant(), kind, text, details));
            }
            throw e;
        }
    }

    private void keep(String rollout, Entry last) {
        lock.lock();
        try {
            unwritten.put(rollout, last);
            if (unwritten.size() > KEPT_UNWRITTEN) {
                unwritten.remove(unwritten.keySet().iterator().next());
            }
            tell();
        } finally {
            lock.unlock();
        }
    }

    private void append(String rollout, String kind, String text, Map<String, String> details) {
        locked(() -> {
            execute("PRAGMA synchronous = NORMAL"); // this one alone does not wait for the disk
            try {
                insert(rollout, kind, text, details);
            } finally {
                execute("PRAGMA synchronous = FULL");
            }
            tell();
            return true;
        });
    }

    private void insert(String rollout, String kind, String text, Map<String, String> details) throws SQLException {
        update(
                "INSERT INTO entry(rollout, at, kind, text, details) VALUES(?, ?, ?, ?, ?)",
                rollout,
                clock.millis(),
                kind,
                text,
                details.isEmpty() ? null : Json.text(details));
    }

    @Override
    public void end(String rollout, Phase phase, String lastLine) {
        locked(() -> {
            return update(
                    "UPDATE rollout SET phase = ?, ended_at = ?, last_line = ? WHERE id = ?",
                    phase.name(),
                    clock.millis(),
                    lastLine,
                    rollout);
        });
    }

    @Override
    public List<Event> events(String rollout) {
        return locked(() -> query(
                "SELECT text FROM entry WHERE rollout = ? AND kind = 'outcome' ORDER BY seq",
                row -> Event.valueOf(row.getString(1)),
                rollout));
    }

    @Override
    public List<Entry> entries(String rollout, long after) {
        return locked(() -> {
            List<Entry> entries = new ArrayList<>(query(
                    "SELECT seq, at, kind, text, details FROM entry WHERE rollout = ? AND seq > ? ORDER BY seq",
                    row -> new Entry(
                            row.getLong(1),
                            Instant.ofEpochMilli(row.getLong(2)),
                            row.getString(3),
                            row.getString(4),
                            details(row.getString(5))),
                    rollout,
                    after));
            Optional.ofNullable(unwritten.get(rollout)).ifPresent(entries::add);
            return entries;
        });
    }

    /** How much was written so far: take it before reading, and wait with it after. */
    public long news() {
        lock.lock();
        try {
            return writes;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until more is written than that, or the time is over. */
    public void awaitNews(long since, long millis) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (writes == since && left > 0) {
                left = written.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<Ticket> open() {
        return locked(() -> query(
                "SELECT ticket FROM rollout WHERE ended_at IS NULL ORDER BY begun_at",
                row -> ticket(row.getString(1))));
    }

    @Override
    public Optional<Past> find(String rollout) {
        return locked(() -> query(
                        "SELECT ticket, phase, ended_at, last_line FROM rollout WHERE id = ?", this::past, rollout))
                .stream()
                .findFirst();
    }

    @Override
    public List<Past> history(Optional<ServiceKey> key, int most) {
        return locked(() -> key.isPresent()
                ? query(
                        "SELECT ticket, phase, ended_at, last_line FROM rollout WHERE project = ? AND service = ?"
                                + " ORDER BY begun_at DESC, generation DESC LIMIT " + most,
                        this::past,
                        key.get().project(),
                        key.get().service())
                : query(
                        "SELECT ticket, phase, ended_at, last_line FROM rollout ORDER BY begun_at DESC LIMIT " + most,
                        this::past));
    }

    private Past past(ResultSet row) throws SQLException {
        long ended = row.getLong(3);
        boolean open = row.wasNull(); // before another column is read
        return new Past(
                ticket(row.getString(1)),
                Phase.valueOf(row.getString(2)),
                open ? Optional.empty() : Optional.of(Instant.ofEpochMilli(ended)),
                row.getString(4));
    }

    /** In steps of two: a rollback acts under the number between. */
    @Override
    public long nextGeneration(ServiceKey key, long seen) {
        return locked(() -> {
            update(
                    "INSERT INTO service VALUES(?, ?, ?) ON CONFLICT(project, service)"
                            + " DO UPDATE SET generation = max(generation + 2, excluded.generation)",
                    key.project(),
                    key.service(),
                    seen + seen % 2 + 2);
            return query(
                            "SELECT generation FROM service WHERE project = ? AND service = ?",
                            row -> row.getLong(1),
                            key.project(),
                            key.service())
                    .getFirst();
        });
    }

    @Override
    public Optional<Lock> lock(ServiceKey key) {
        return locked(() -> query(
                        "SELECT by, reason, since FROM lock WHERE project = ? AND service = ?",
                        row -> new Lock(row.getString(1), row.getString(2), Instant.ofEpochMilli(row.getLong(3))),
                        key.project(),
                        key.service()))
                .stream()
                .findFirst();
    }

    @Override
    public void lock(ServiceKey key, Lock held) {
        locked(() -> {
            int rows = update(
                    "INSERT OR IGNORE INTO lock VALUES(?, ?, ?, ?, ?)",
                    key.project(),
                    key.service(),
                    held.by(),
                    held.reason(),
                    held.since().toEpochMilli());
            if (rows == 0) {
                Lock there = lock(key).orElseThrow();
                throw new ServiceBusy(
                        key + " is locked already by " + there.by() + " since " + there.since() + ": " + there.reason(),
                        "");
            }
            return true;
        });
    }

    @Override
    public boolean unlock(ServiceKey key) {
        return locked(
                () -> update("DELETE FROM lock WHERE project = ? AND service = ?", key.project(), key.service()) > 0);
    }

    private interface Work<T> {
        T run() throws SQLException;
    }

    private interface Mapper<T> {
        T map(ResultSet row) throws SQLException;
    }

    private void tell() {
        writes++;
        written.signalAll();
    }

    private <T> T locked(Work<T> work) {
        lock.lock();
        try {
            try {
                return work.run();
            } catch (SQLException e) {
                if (!isFull(e) || !Files.deleteIfExists(ballast)) {
                    throw e;
                }
                return work.run(); // with the ballast's room
            }
        } catch (SQLException | IOException e) {
            throw new JournalFull(
                    "the state folder " + ballast.getParent() + " cannot be written (" + e.getMessage()
                            + "); free some space there",
                    e);
        } finally {
            lock.unlock();
        }
    }

    /** True once the ballast was given up: no new rollout is begun until there is room again. */
    public boolean nearlyFull() {
        if (Files.exists(ballast)) {
            return false;
        }
        try {
            Files.write(ballast, new byte[BALLAST_BYTES]);
            return false;
        } catch (IOException e) {
            ballast.toFile().delete();
            return true;
        }
    }

    private static boolean isFull(SQLException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("SQLITE_FULL") || message.contains("SQLITE_IOERR");
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int update(String sql, @Nullable Object... values) throws SQLException {
        try (PreparedStatement statement = prepared(sql, values)) {
            return statement.executeUpdate();
        }
    }

    private <T> List<T> query(String sql, Mapper<T> mapper, @Nullable Object... values) throws SQLException {
        try (PreparedStatement statement = prepared(sql, values);
                ResultSet row = statement.executeQuery()) {
            List<T> rows = new ArrayList<>();
            while (row.next()) {
                rows.add(mapper.map(row));
            }
            return rows;
        }
    }

    private PreparedStatement prepared(String sql, @Nullable Object... values) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement;
    }

    private Ticket ticket(String text) {
        try {
            return Json.MAPPER.readValue(text, Ticket.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the journal holds a ticket that cannot be read: " + e.getMessage(), e);
        }
    }

    private Map<String, String> details(@Nullable String text) {
        try {
            return text == null ? Map.of() : Json.MAPPER.readValue(text, new TypeReference<Map<String, String>>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the journal holds details that cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            connection.close();
        } catch (SQLException e) {
            throw new IllegalStateException("the journal cannot be closed", e);
        } finally {
            lock.unlock();
        }
    }
}
