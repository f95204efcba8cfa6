package dev.rollout.agent.engine.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The TCP ports that something listens on in a process's network namespace. */
final class Listening {
    private static final String LISTEN = "0A";

    private Listening() {}

    private static final String ESTABLISHED = "01";

    /** How many connections others have to these ports in the process's network namespace. */
    static int connections(long pid, List<Integer> ports) {
        int count = 0;
        for (String[] fields : sockets(pid)) {
            count += fields[3].equals(ESTABLISHED) && ports.contains(port(fields[1])) ? 1 : 0;
        }
        return count;
    }

    /** Empty where it cannot be told (another user's process, no /proc). */
    static List<Integer> in(long pid) {
        Set<Integer> ports = new TreeSet<>();
        for (String[] fields : sockets(pid)) {
            boolean dockersResolver = fields[1].startsWith("0B00007F");
            if (fields[3].equals(LISTEN) && !dockersResolver) {
                ports.add(port(fields[1]));
            }
        }
        return List.copyOf(ports);
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.indexOf(':') + 1), 16);
    }

    private static List<String[]> sockets(long pid) {
        List<String[]> sockets = new ArrayList<>();
        for (String file : List.of("tcp", "tcp6")) {
            try {
                Files.readAllLines(Path.of("/proc/" + pid + "/net/" + file)).stream()
                        .skip(1)
                        .map(line -> line.strip().split("\\s+"))
                        .filter(fields -> fields.length > 3)
                        .forEach(sockets::add);
            } catch (IOException e) {
                // it may have exited: then there is nothing to tell
            }
        }
        return sockets;
    }
}
