package dev.rollout.contract;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.sqlite.BusyHandler;
import org.sqlite.JDBC;
import org.sqlite.SQLiteOpenMode;

/** The file {@code claims.db} itself: its schema, whose it is, how it is opened, and in which journal mode. */
final class ClaimsFile {
    private static final int READ_VERSION = 19;
    private static final int NO_VERSION = 255;

    /** {@code application_id}: "ROLL". */
    static final int APPLICATION_ID = 0x524F4C4C;

    /** No flood of claims takes more of the host's memory than 256 MiB. */
    static final int MAX_PAGES = 262_144;

    /** Small, since a claim changes one page, and writes all of it: a third more claims a second than with 4 KiB. */
    private static final int PAGE_BYTES = 1024;

    private static final int PAGES_IN_LOG = 1000;

    /** The driver lets one thread at a time to a connection already: SQLite's own mutexes are 7 % of a claim's time. */
    private static final int OPEN_MODE =
            SQLiteOpenMode.READWRITE.flag | SQLiteOpenMode.CREATE.flag | SQLiteOpenMode.NOMUTEX.flag;

    private static final int VERSION = 1;
    private static final String[] TABLES = {"meta", "scope", "instance", "claim"};
    private static final String[] SCHEMA = {
        "CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID", """
        CREATE TABLE IF NOT EXISTS scope(scope_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mode TEXT NOT NULL,
          active_instance TEXT, generation INTEGER NOT NULL DEFAULT 0, min_generation INTEGER NOT NULL DEFAULT 0,
          lease_until INTEGER, claims_since INTEGER NOT NULL)""", """
        CREATE TABLE IF NOT EXISTS instance(instance_id TEXT PRIMARY KEY, scope_id INTEGER NOT NULL,
          generation INTEGER NOT NULL, role TEXT NOT NULL, boot_token TEXT, ready INTEGER NOT NULL DEFAULT 0,
          in_flight INTEGER NOT NULL DEFAULT 0, client TEXT, sqlite TEXT, heartbeat_at INTEGER NOT NULL)
          WITHOUT ROWID""", """
        CREATE TABLE IF NOT EXISTS claim(scope_id INTEGER NOT NULL, event_id TEXT NOT NULL,
          generation INTEGER NOT NULL, attempt INTEGER NOT NULL, claimed_at INTEGER NOT NULL,
          lease_until INTEGER NOT NULL, PRIMARY KEY(scope_id, event_id)) WITHOUT ROWID""",
    };

    private ClaimsFile() {}

    /** Makes what is missing of it, and opens it. Two who make it at once make one. */
    static Connection create(Path file, String service, Mode mode) throws SQLException {
        boolean anew = !finishMove(file);
        Connection connection = connect(file);
        try (Statement statement = connection.createStatement()) {
            if (anew) {
                // the file keeps both: who comes later takes what it has
                statement.execute("PRAGMA page_size = " + PAGE_BYTES);
                statement.execute("PRAGMA journal_mode = WAL");
                statement.execute("PRAGMA application_id = " + APPLICATION_ID);
            }
            statement.execute("BEGIN IMMEDIATE");
            tables(statement);
            statement.execute("INSERT OR IGNORE INTO meta VALUES('uuid', '" + UUID.randomUUID() + "')");
            statement.execute("INSERT OR REPLACE INTO meta VALUES('boot', '" + bootId() + "')");
            statement.execute("INSERT OR REPLACE INTO meta VALUES('inode', '" + inode(file) + "')");
            try (PreparedStatement row = connection.prepareStatement(
                    "INSERT INTO scope(scope_id, name, mode, claims_since) VALUES(1, ?, ?, ?)"
                            + " ON CONFLICT(scope_id) DO UPDATE SET mode = excluded.mode")) {
                row.setString(1, service);
                row.setString(2, mode.word());
                row.setLong(3, System.currentTimeMillis());
                row.executeUpdate();
            }
            statement.execute("COMMIT");
            if (anew) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));
            }
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        } catch (IOException e) {
            connection.close();
            throw new SQLException(file + " cannot be shared with the group: " + e.getMessage(), e);
        }
    }

    private static void tables(Statement statement) throws SQLException {
        for (String table : SCHEMA) {
            statement.execute(table);
        }
        statement.execute("PRAGMA user_version = " + VERSION);
    }

    /** Opens one that is there, and proves that this process may share it. */
    static Connection open(Path file) throws SQLException {
        if (!Files.isExecutable(file.toAbsolutePath().getParent()) || Files.exists(file) && !Files.isWritable(file)) {
            throw new SQLException(file + " is not writable by this user (" + access(file)
                    + "): give the container that group (the agent does so with group_add)");
        }
        if (!Files.exists(file)) {
            throw new SQLException(
                    file + " is missing: the agent makes it before it starts an instance (is $ROLLOUT_DIR mounted?)");
        }
        Connection connection = connect(file);
        try (Statement statement = connection.createStatement();
                ResultSet id = statement.executeQuery("PRAGMA application_id")) {
            id.next();
            if (id.getInt(1) != APPLICATION_ID) {
                throw new SQLException(file + " is not a claims database of Rollout");
            }
            probe(file, connection);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /** The log's index is shared memory: it works between processes of one kernel, on the very same file. */
    private static void probe(Path file, Connection connection) throws SQLException {
        Map<String, String> meta = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT k, v FROM meta")) {
            while (row.next()) {
                meta.put(row.getString(1), row.getString(2));
            }
        }
        String boot = meta.getOrDefault("boot", "");
        if (!bootId().isEmpty() && !boot.isEmpty() && !boot.equals(bootId())) {
            throw new SQLException(file + " was made under another kernel (boot id " + boot + ", here " + bootId()
                    + "): instances of another host, or of a sandbox with a kernel of its own, cannot share it;"
                    + " use a PostgreSQL or Redis store");
        }
        String inode = meta.getOrDefault("inode", "");
        if (!inode.isEmpty() && !inode.equals(inode(file))) {
            throw new SQLException(file + " is a copy of the agent's file (inode " + inode(file) + ", its is " + inode
                    + "): mount the folder itself, not a copy");
        }
    }

    private static Connection connect(Path file) throws SQLException {
        NativeSqlite.load();
        Properties options = new Properties();
        options.setProperty("jdbc.get_generated_keys", "false"); // 28 % of a claim's time
        options.setProperty("open_mode", String.valueOf(OPEN_MODE));
        Connection connection = JDBC.createConnection("jdbc:sqlite:" + file.toAbsolutePath(), options);
        BusyHandler.setHandler(connection, new YieldingHandler());
        try (Statement statement = connection.createStatement()) {
            withoutDriversTransactions(connection, statement);
            statement.execute("PRAGMA synchronous = OFF"); // right on tmpfs: there is no disk to wait for
            statement.execute("PRAGMA wal_autocheckpoint = " + PAGES_IN_LOG);
            statement.execute("PRAGMA max_page_count = " + MAX_PAGES);
        }
        return connection;
    }

    /**
     * A statement outside of a transaction is one to SQLite, whatever the driver does: and what it does in auto-commit mode
     * is a BEGIN and a COMMIT of nothing behind each, some 8 % of a claim's time.
     */
    private static void withoutDriversTransactions(Connection connection, Statement statement) throws SQLException {
        connection.setAutoCommit(false);
        statement.execute("COMMIT");
    }

    /**
     * Replaces a database with a write-ahead log by a copy with a rollback journal, while others use it.
     *
     * <p>Writers wait from the first line to the last; then the old file has no claims to ask any more, so that who
     * still has it open gets an error, opens the path again and finds the copy. Between the two renames there is no
     * file: an error again, never a wrong answer.
     */
    static void moveToRollbackJournal(Path file, Connection old) throws SQLException {
        Path copy = file.resolveSibling(file.getFileName() + ".new");
        try (Statement statement = old.createStatement()) {
            Files.deleteIfExists(copy);
            statement.execute("BEGIN IMMEDIATE");
            try (Connection fresh = connect(copy);
                    Statement into = fresh.createStatement()) {
                into.execute("PRAGMA page_size = " + PAGE_BYTES);
                into.execute("PRAGMA journal_mode = PERSIST");
                into.execute("PRAGMA application_id = " + APPLICATION_ID);
                into.execute("BEGIN");
                tables(into);
                for (String table : TABLES) {
                    copy(table, statement, fresh);
                }
                into.execute("INSERT OR REPLACE INTO meta VALUES('inode', '" + inode(copy) + "')");
                into.execute("COMMIT");
            }
            Files.setPosixFilePermissions(copy, Files.getPosixFilePermissions(file));
            Files.setAttribute(copy, "unix:gid", Files.getAttribute(file, "unix:gid"));
            Path aside = aside(file);
            Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
            close(aside);
            dropLog(file);
            Files.deleteIfExists(file.resolveSibling(copy.getFileName() + "-journal"));
            Files.move(copy, file, StandardCopyOption.ATOMIC_MOVE);
            Files.delete(aside);
            statement.execute("DROP TABLE claim");
            statement.execute("COMMIT");
        } catch (IOException e) {
            throw new SQLException(file + " cannot be replaced: " + e.getMessage(), e);
        } finally {
            old.close();
        }
    }

    /** Whether there is none: while the agent moves it, the path has no file for a moment, and still there is one. */
    static boolean missing(Path file) {
        // in this order: a move that ends between the two looks has put the file there
        return !Files.exists(file) && !Files.exists(aside(file));
    }

    /** Whether the agent is just moving it: there is none at its path, and will be in a moment. */
    static boolean moving(Path file) {
        return Files.exists(aside(file)) && !Files.exists(file);
    }

    private static Path aside(Path file) {
        return file.resolveSibling(file.getFileName() + ".old");
    }

    /** Whether the file is there; a move that was cut short between its two renames is finished first. */
    private static boolean finishMove(Path file) throws SQLException {
        try {
            Path copy = file.resolveSibling(file.getFileName() + ".new");
            Path aside = aside(file);
            if (!Files.exists(file) && Files.exists(aside) && Files.exists(copy)) {
                close(aside);
                dropLog(file);
                Files.move(copy, file, StandardCopyOption.ATOMIC_MOVE);
            }
            Files.deleteIfExists(aside);
            return Files.exists(file);
        } catch (IOException e) {
            throw new SQLException(file + " cannot be put in its place: " + e.getMessage(), e);
        }
    }

    /**
     * Makes the old file one of a version that no SQLite opens (SQLite's file format, 1.3.3): a client that has opened it,
     * and not yet its log, would make one by that name, beside the new file.
     */
    private static void close(Path old) throws IOException {
        try (RandomAccessFile header = new RandomAccessFile(old.toFile(), "rw")) {
            header.seek(READ_VERSION);
            header.write(NO_VERSION);
        }
    }

    /** A log beside a file that it does not belong to would be played into it. */
    private static void dropLog(Path file) throws IOException {
        Files.deleteIfExists(file.resolveSibling(file.getFileName() + "-wal"));
        Files.deleteIfExists(file.resolveSibling(file.getFileName() + "-shm"));
    }

    private static void copy(String table, Statement from, Connection to) throws SQLException {
        try (ResultSet row = from.executeQuery("SELECT * FROM " + table)) {
            int columns = row.getMetaData().getColumnCount();
            try (PreparedStatement insert =
                    to.prepareStatement("INSERT INTO " + table + " VALUES(?" + ", ?".repeat(columns - 1) + ")")) {
                while (row.next()) {
                    for (int i = 1; i <= columns; i++) {
                        insert.setObject(i, row.getObject(i));
                    }
                    insert.executeUpdate();
                }
            }
        }
    }

    private static String bootId() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
        } catch (IOException e) {
            return ""; // not Linux: nothing to compare
        }
    }

    private static String inode(Path file) {
        try {
            return Files.getAttribute(file, "unix:ino").toString();
        } catch (IOException | UnsupportedOperationException e) {
            return "";
        }
    }

    /** Mode and group, of the folder where the file itself cannot be seen. */
    private static String access(Path file) {
        Path seen = Files.exists(file) ? file : file.toAbsolutePath().getParent();
        try {
            return "mode " + PosixFilePermissions.toString(Files.getPosixFilePermissions(seen)) + ", group "
                    + Files.getAttribute(seen, "unix:gid");
        } catch (IOException e) {
            return "the group of " + seen;
        }
    }
}
