package dev.rollout.agent.wire;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Which daemon to speak to: {@code DOCKER_HOST}, else the current context of the Docker CLI, else its default socket. */
public record DockerHost(URI uri) {
    private static final URI DEFAULT = URI.create("unix:///var/run/docker.sock");

    /** @throws IllegalArgumentException where the address is one that cannot be spoken to */
    public static DockerHost find(Map<String, String> environment) {
        String host = environment.get("DOCKER_HOST");
        if (host != null && !host.isEmpty()) {
            return of(host);
        }
        Path config = Path.of(environment.getOrDefault(
                "DOCKER_CONFIG",
                Path.of(System.getProperty("user.home"), ".docker").toString()));
        String context = environment.getOrDefault("DOCKER_CONTEXT", "");
        try {
            if (context.isEmpty() && Files.exists(config.resolve("config.json"))) {
                context = new ObjectMapper()
                        .readTree(config.resolve("config.json").toFile())
                        .path("currentContext")
                        .asText("");
            }
            if (context.isEmpty() || context.equals("default")) {
                return new DockerHost(DEFAULT);
            }
            Path meta = config.resolve("contexts/meta").resolve(sha256(context)).resolve("meta.json");
            JsonNode endpoint = new ObjectMapper().readTree(meta.toFile()).at("/Endpoints/docker/Host");
            return of(endpoint.asText());
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "the Docker context '" + context + "' cannot be read: " + e.getMessage(), e);
        }
    }

    /** Whether both lead to the same daemon: one socket may have two paths. */
    public boolean same(DockerHost other) {
        return real().equals(other.real());
    }

    private URI real() {
        Optional<Path> socket = socket();
        try {
            return socket.isPresent() ? socket.get().toRealPath().toUri() : uri;
        } catch (IOException e) {
            return uri; // nothing is there
        }
    }

    /** The daemon's socket; empty where it is reached by TCP. */
    public Optional<Path> socket() {
        return "unix".equals(uri.getScheme()) ? Optional.of(Path.of(uri.getPath())) : Optional.empty();
    }

    /** The group that the daemon's socket lets in; empty where there is none but root's. */
    public OptionalInt group() {
        Optional<Path> socket = socket();
        if (socket.isEmpty()) {
            return OptionalInt.empty();
        }
        try {
            int group = (Integer) Files.getAttribute(socket.get(), "unix:gid");
            return group != 0 && Files.getPosixFilePermissions(socket.get()).contains(PosixFilePermission.GROUP_WRITE)
                    ? OptionalInt.of(group)
                    : OptionalInt.empty();
        } catch (IOException e) {
            return OptionalInt.empty();
        }
    }

    /** @throws IllegalArgumentException where the address is one that cannot be spoken to */
    public static DockerHost of(String host) {
        if (host.startsWith("unix://") || host.startsWith("tcp://")) {
            return new DockerHost(URI.create(host));
        }
        throw new IllegalArgumentException("the Docker host '" + host
                + "' is not supported: run Rollout on that host itself (unix:// and tcp:// work)");
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
