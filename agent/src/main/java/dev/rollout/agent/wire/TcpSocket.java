package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A TCP socket as Linux lists it ({@code /proc/PID/net/tcp}).
 *
 * @param local address and port, in hexadecimal
 * @param state in hexadecimal
 * @param inode what a process's file descriptor names it by
 */
public record TcpSocket(String local, String state, String inode) {
    private static final Path PROCESSES = Path.of("/proc");
    private static final int FIELDS = 10;

    /** Those of a process's network namespace; none where that cannot be read. */
    public static List<TcpSocket> seenBy(String process) {
        List<TcpSocket> sockets = new ArrayList<>();
        for (String table : List.of("tcp", "tcp6")) {
            try {
                Files.readAllLines(PROCESSES.resolve(process).resolve("net").resolve(table)).stream()
                        .skip(1)
                        .map(line -> line.strip().split("\\s+"))
                        .filter(fields -> fields.length >= FIELDS)
                        .forEach(fields -> sockets.add(new TcpSocket(fields[1], fields[3], fields[9])));
            } catch (IOException e) {
                // it may have exited: then there is nothing to tell
            }
        }
        return sockets;
    }

    public int port() {
        return Integer.parseInt(local.substring(local.indexOf(':') + 1), 16);
    }

    public boolean listens() {
        return state.equals("0A");
    }

    public boolean established() {
        return state.equals("01");
    }

    /** Whether it is among what a process has open. */
    public boolean isIn(Set<String> open) {
        return open.contains("socket:[" + inode + "]");
    }

    /** What a process has open. @throws IOException where that is not this user's to know */
    public static Set<String> open(Path process) throws IOException {
        Set<String> open = new HashSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                try {
                    open.add(Files.readSymbolicLink(file).toString());
                } catch (NoSuchFileException e) {
                    // it has just been closed
                }
            }
        } catch (NoSuchFileException e) {
            // it has just ended
        }
        return open;
    }
}
