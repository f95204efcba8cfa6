package dev.rollout.agent.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The routes on disk: a gateway comes back with what it had. Written whole, beside, and renamed. After a reboot an address
 * may be another container's, so none is taken over from before.
 */
final class RouteFile {
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

    private static final String NONSENSE =
            " is not what a gateway writes, and was left as it is: move it away, then run"
                    + " 'rollout up' for the services that publish ports";

    private record Content(@Nullable String boot, @Nullable List<Route> routes) {}

    private final Path file;

    RouteFile(Folders folders) {
        this.file = folders.state().resolve("gateway.json");
    }

    List<Route> read() throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        Content content;
        try {
            content = Json.MAPPER.readValue(file.toFile(), Content.class);
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw new IOException(file + ":" + line + NONSENSE, e);
        }
        if (content == null || content.routes() == null) {
            throw new IOException(file + ":1" + NONSENSE);
        }
        if (boot().equals(content.boot())) {
            return content.routes();
        }
        return content.routes().stream()
                .map(route -> route.to(
                        route.backends().stream().map(one -> one.at("")).toList()))
                .toList();
    }

    boolean isThere() {
        return Files.exists(file);
    }

    void write(List<Route> routes) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(beside, Json.text(new Content(boot(), routes)));
        try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String boot() throws IOException {
        return Files.readString(BOOT).strip();
    }
}
