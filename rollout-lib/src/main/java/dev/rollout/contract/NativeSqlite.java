package dev.rollout.contract;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Optional;
import org.sqlite.SQLiteJDBCLoader;

/**
 * The native library of sqlite-jdbc, unpacked for the driver before it does so itself.
 *
 * <p>The driver resolves every mapping of the process to tell musl from glibc, and reads what it has unpacked twice, byte
 * for byte, in a JVM that has compiled nothing yet; and a process that is killed leaves a megabyte behind. Where the file
 * is of no use to it, the driver still goes its own way.
 */
public final class NativeSqlite {
    private static final String PATH = "org.sqlite.lib.path";
    private static final String NAME = "org.sqlite.lib.name";

    private NativeSqlite() {}

    /**
     * Loads it, once. To be asked before every connection: where the driver's own way fails once, it throws an Error at the
     * next.
     *
     * @throws SQLException where no folder was found in which this user may write and execute files; says which to name
     */
    public static synchronized void load() throws SQLException {
        String folder = System.getProperty("org.sqlite.tmpdir", System.getProperty("java.io.tmpdir"));
        try {
            Optional<String> resource = resource();
            if (System.getProperty(PATH) != null || resource.isEmpty()) {
                SQLiteJDBCLoader.initialize();
                return;
            }
            Path file =
                    Path.of(folder, "rollout-sqlite-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
            try {
                unpack(resource.get(), file);
                System.setProperty(PATH, folder);
                System.setProperty(NAME, file.getFileName().toString());
                SQLiteJDBCLoader.initialize();
            } finally {
                System.clearProperty(PATH);
                System.clearProperty(NAME);
                Files.deleteIfExists(file); // it stays mapped; nothing is left behind, even by kill -9
            }
        } catch (Exception e) {
            throw new SQLException(
                    "SQLite's native library cannot be unpacked and loaded in " + folder
                            + ": name a folder where this user may write and execute files, with"
                            + " -Dorg.sqlite.tmpdir=FOLDER",
                    e);
        }
    }

    private static void unpack(String resource, Path file) throws IOException {
        try (InputStream in = SQLiteJDBCLoader.class.getResourceAsStream(resource)) {
            if (in != null) {
                Files.copy(in, file);
            }
        }
    }

    private static Optional<String> resource() throws IOException {
        String processor = switch (System.getProperty("os.arch")) {
            case "amd64" -> "x86_64";
            case "aarch64" -> "aarch64";
            default -> "";
        };
        Path maps = Path.of("/proc/self/maps");
        if (processor.isEmpty() || !Files.isReadable(maps)) {
            return Optional.empty();
        }
        String system = Files.readString(maps).contains("musl") ? "Linux-Musl" : "Linux";
        return Optional.of("/org/sqlite/native/" + system + "/" + processor + "/libsqlitejdbc.so");
    }
}
