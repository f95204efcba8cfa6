package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

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

    private static DockerHost of(String host) {
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
