package dev.rollout.agent.gateway;

import dev.rollout.agent.wire.HostProcesses;
import dev.rollout.agent.wire.TcpSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** Who listens on a port of this host, as far as this user may know. */
final class Holder {
    private Holder() {}

    static Optional<String> of(int port) {
        Optional<TcpSocket> held = TcpSocket.seenBy("self").stream()
                .filter(socket -> socket.listens() && socket.port() == port)
                .findFirst();
        if (held.isEmpty()) {
            return Optional.empty();
        }
        try {
            for (Path process : HostProcesses.all()) {
                if (held.get().isIn(open(process))) {
                    return Optional.of(words(process));
                }
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        return Optional.empty();
    }

    private static Set<String> open(Path process) {
        try {
            return TcpSocket.open(process);
        } catch (IOException e) {
            return Set.of(); // not ours to look into
        }
    }

    private static String words(Path process) throws IOException {
        String command = Files.readString(process.resolve("cmdline")).replace('\0', ' ');
        String name = command.contains("dev.rollout.agent.Main gateway")
                ? "the gateway of another agent, of " + Files.getOwner(process).getName()
                : Files.readString(process.resolve("comm")).strip();
        return name + " (pid " + process.getFileName() + ")";
    }
}
