package dev.rollout.agent.engine.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The TCP ports that something listens on in a process's network namespace. */
final class Listening {
    private static final String LISTEN = "0A";

    private Listening() {}

    /** Empty where it cannot be told (another user's process, no /proc). */
    static List<Integer> in(long pid) {
        Set<Integer> ports = new TreeSet<>();
        for (String file : List.of("tcp", "tcp6")) {
            try {
                Files.readAllLines(Path.of("/proc/" + pid + "/net/" + file)).stream()
                        .skip(1)
                        .map(line -> line.strip().split("\\s+"))
                        .filter(fields -> fields.length > 3 && fields[3].equals(LISTEN))
                        .filter(fields -> !fields[1].startsWith("0B00007F")) // Docker's own resolver
                        .forEach(fields ->
                                ports.add(Integer.parseInt(fields[1].substring(fields[1].indexOf(':') + 1), 16)));
            } catch (IOException e) {
                // it may have exited: then there is nothing to tell
            }
        }
        return List.copyOf(ports);
    }
}
