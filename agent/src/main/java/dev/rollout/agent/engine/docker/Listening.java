package dev.rollout.agent.engine.docker;

import dev.rollout.agent.wire.ContainerLife;
import dev.rollout.agent.wire.TcpSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** The TCP ports that something listens on in a process's network namespace. */
final class Listening {
    private Listening() {}

    /** How many connections others have to these ports in the process's network namespace. */
    static int connections(long pid, List<Integer> ports) {
        return (int) TcpSocket.seenBy(Long.toString(pid)).stream()
                .filter(socket -> socket.established() && ports.contains(socket.port()))
                .count();
    }

    /** Empty where it cannot be told (another user's process, no /proc). */
    static List<Integer> in(long pid) {
        return ports(pid, socket -> !socket.local().startsWith("0B00007F")); // Docker's own resolver
    }

    /**
     * Those of one container's own processes, in a network that it shares.
     *
     * @param pid the container's first process
     * @return empty where it cannot be told: only root sees whose a socket is
     */
    static Optional<List<Integer>> own(String container, long pid) {
        try {
            Set<String> open = new HashSet<>();
            for (Path process : ContainerLife.processes(container)) {
                open.addAll(TcpSocket.open(process));
            }
            return Optional.of(ports(pid, socket -> socket.isIn(open)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static List<Integer> ports(long pid, Predicate<TcpSocket> which) {
        return TcpSocket.seenBy(Long.toString(pid)).stream()
                .filter(socket -> socket.listens() && which.test(socket))
                .map(TcpSocket::port)
                .distinct()
                .sorted()
                .toList();
    }
}
