package dev.rollout.lib;

import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/** A service's folder on the real shared memory, with the agent's hand on it. */
final class Folder implements AutoCloseable {
    final Path path;
    final ClaimsDatabase agent;
    private final Mode mode;

    Folder(Mode mode) throws IOException, SQLException {
        this.mode = mode;
        path = Files.createTempDirectory(Path.of("/dev/shm"), "rollout-lib-test");
        agent = ClaimsDatabase.create(path.resolve(ClaimsDatabase.NAME), "service", mode);
        agent.agentLives(600_000);
    }

    Membership member(String instance, long generation) {
        return new Membership(
                "p", "service", instance, generation, path, generation > 1 ? System.currentTimeMillis() / 1000 : 0);
    }

    void activate(@Nullable String instance, long generation) throws SQLException {
        agent.decide(new Scope(mode, instance, generation, 0));
    }

    void fence(long generation) throws SQLException {
        Scope scope = agent.scope();
        agent.decide(new Scope(mode, scope.active(), scope.generation(), generation));
    }

    @Override
    public void close() throws IOException, SQLException {
        agent.close();
        try (var files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
