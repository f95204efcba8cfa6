package dev.rollout.agent.gateway;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** The routes on disk: a gateway comes back with what it had. Written whole, beside, and renamed. */
final class RouteFile {
    private final Path file;

    RouteFile(Folders folders) {
        this.file = folders.state().resolve("gateway.json");
    }

    List<Route> read() throws IOException {
        return Files.exists(file)
                ? Json.MAPPER.readValue(file.toFile(), new TypeReference<List<Route>>() {})
                : List.of();
    }

    void write(List<Route> routes) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(beside, Json.text(routes));
        try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
