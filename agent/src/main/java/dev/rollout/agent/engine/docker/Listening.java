package dev.rollout.agent.engine.docker;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The TCP ports that something listens on in a process's network namespace. */
final class Listening {
    private static final Path PROCESSES = Path.of("/proc");
    private static final String LISTEN = "0A";
    private static final String ESTABLISHED = "01";
    /** Columns of /proc/PID/net/tcp. */
    private static final int LOCAL = 1;

    private static final int STATE = 3;
    private static final int INODE = 9;

    private Listening() {}

    /** How many connections others have to these ports in the process's network namespace. */
    static int connections(long pid, List<Integer> ports) {
        int count = 0;
        for (String[] fields : sockets(pid)) {
            count += fields[STATE].equals(ESTABLISHED) && ports.contains(port(fields)) ? 1 : 0;
        }
        return count;
    }

    /** Empty where it cannot be told (another user's process, no /proc). */
    static List<Integer> in(long pid) {
        Set<Integer> ports = new TreeSet<>();
        for (String[] fields : sockets(pid)) {
            boolean dockersResolver = fields[LOCAL].startsWith("0B00007F");
            if (fields[STATE].equals(LISTEN) && !dockersResolver) {
                ports.add(port(fields));
            }
        }
        return List.copyOf(ports);
    }

    /**
     * Those of one container's own processes, in a network that it shares.
     *
     * @param pid the container's first process
     * @return empty where it cannot be told: only root sees whose a socket is
     */
    static Optional<List<Integer>> own(String container, long pid) {
        try {
            Set<String> held = new HashSet<>();
            for (Path process : processes(container)) {
                held.addAll(sockets(process));
            }
            Set<Integer> ports = new TreeSet<>();
            for (String[] fields : sockets(pid)) {
                if (fields[STATE].equals(LISTEN) && held.contains("socket:[" + fields[INODE] + "]")) {
                    ports.add(port(fields));
                }
            }
            return Optional.of(List.copyOf(ports));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static List<Path> processes(String container) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROCESSES, "[0-9]*")) {
            for (Path process : all) {
                try {
                    if (Files.readString(process.resolve("cgroup")).contains(container)) {
                        found.add(process);
                    }
                } catch (IOException e) {
                    // it has just ended
                }
            }
        }
        return found;
    }

    private static Set<String> sockets(Path process) throws IOException {
        Set<String> held = new HashSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                try {
                    held.add(Files.readSymbolicLink(file).toString());
                } catch (NoSuchFileException e) {
                    // it has just been closed
                }
            }
        } catch (NoSuchFileException e) {
            // it has just ended
        }
        return held;
    }

    private static int port(String[] fields) {
        return Integer.parseInt(fields[LOCAL].substring(fields[LOCAL].indexOf(':') + 1), 16);
    }

    private static List<String[]> sockets(long pid) {
        List<String[]> sockets = new ArrayList<>();
        for (String file : List.of("tcp", "tcp6")) {
            try {
                Files.readAllLines(PROCESSES.resolve(pid + "/net/" + file)).stream()
                        .skip(1)
                        .map(line -> line.strip().split("\\s+"))
                        .filter(fields -> fields.length > INODE)
                        .forEach(sockets::add);
            } catch (IOException e) {
                // it may have exited: then there is nothing to tell
            }
        }
        return sockets;
    }
}
