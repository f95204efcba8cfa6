package dev.rollout.agent.gateway;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/**
 * The routes on disk: a gateway comes back with what it had. Written whole, beside, and renamed. After a reboot an address
 * may be another container's, so none is taken over from before.
 */
final class RouteFile {
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

    private final Path file;

    RouteFile(Folders folders) {
        this.file = folders.state().resolve("gateway.json");
    }

    List<Route> read() throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        JsonNode content = Json.MAPPER.readTree(file.toFile());
        List<Route> routes = Json.MAPPER.convertValue(content.path("routes"), new TypeReference<List<Route>>() {});
        return content.path("boot").asText().equals(boot())
                ? routes
                : routes.stream()
                        .map(route -> route.to(
                                route.backends().stream().map(one -> one.at("")).toList()))
                        .toList();
    }

    void write(List<Route> routes) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(beside, Json.text(Map.of("boot", boot(), "routes", routes)));
        try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String boot() throws IOException {
        return Files.readString(BOOT).strip();
    }
}
