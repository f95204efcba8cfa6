package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The login for an image's registry, as {@code docker login} left it: in the config file, or with a credential helper. */
final class RegistryLogin {
    private static final String HUB = "https://index.docker.io/v1/";

    /** Of env, where there is no such program. */
    private static final int NOT_FOUND = 127;

    private final ObjectMapper json = new ObjectMapper();
    private final OnBehalf who;

    RegistryLogin(OnBehalf who) {
        this.who = who;
    }

    /** The value of X-Registry-Auth; empty where there is no login. */
    Optional<String> header(String image) throws IOException {
        Path config = who.dockerConfig();
        if (!Files.isReadable(config)) {
            return Optional.empty();
        }
        JsonNode root = json.readTree(config.toFile());
        String registry = registry(image);
        String helper = root.path("credHelpers")
                .path(registry)
                .asText(root.path("credsStore").asText(""));
        Optional<ObjectNode> login = helper.isEmpty() ? fromFile(root, registry) : fromHelper(helper, registry);
        return login.map(auth -> Base64.getUrlEncoder()
                .encodeToString(auth.put("serveraddress", registry).toString().getBytes(StandardCharsets.UTF_8)));
    }

    /** The registry of an image name: what stands before the first slash, if it looks like a host. */
    static String registry(String image) {
        int slash = image.indexOf('/');
        String first = slash < 0 ? "" : image.substring(0, slash);
        boolean host = first.contains(".") || first.contains(":") || first.equals("localhost");
        return !host || first.equals("docker.io") ? HUB : first;
    }

    private static Optional<ObjectNode> fromFile(JsonNode root, String registry) {
        JsonNode entry = root.path("auths").path(registry);
        String auth = entry.path("auth").asText("");
        ObjectNode login = JsonNodeFactory.instance.objectNode();
        if (!entry.path("identitytoken").asText("").isEmpty()) {
            return Optional.of(
                    login.put("identitytoken", entry.path("identitytoken").asText()));
        }
        if (auth.isEmpty()) {
            return Optional.empty();
        }
        String[] parts = new String(Base64.getDecoder().decode(auth), StandardCharsets.UTF_8).split(":", 2);
        return Optional.of(login.put("username", parts[0]).put("password", parts.length > 1 ? parts[1] : ""));
    }

    private Optional<ObjectNode> fromHelper(String helper, String registry) throws IOException {
        Process process = who.process(List.of("docker-credential-" + helper, "get"))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var stdin = process.getOutputStream()) {
            stdin.write(registry.getBytes(StandardCharsets.UTF_8));
        }
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException("docker-credential-" + helper + " did not answer within 20 s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        if (process.exitValue() == NOT_FOUND) {
            throw new IOException(
                    "docker-credential-" + helper + ", which " + who.dockerConfig() + " names, is not found");
        }
        if (process.exitValue() != 0) {
            return Optional.empty(); // the helper knows no login for this registry
        }
        JsonNode login = json.readTree(answer);
        String user = login.path("Username").asText();
        ObjectNode auth = JsonNodeFactory.instance.objectNode();
        return Optional.of(
                user.equals("<token>")
                        ? auth.put("identitytoken", login.path("Secret").asText())
                        : auth.put("username", user)
                                .put("password", login.path("Secret").asText()));
    }
}
