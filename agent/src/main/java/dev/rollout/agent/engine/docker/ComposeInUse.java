package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.rollout.agent.model.ServiceSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Which Compose is used on this host, by its plugin, else by the containers that it has made last. Its hash of a service
 * differs between versions: a container of ours with another one would be made anew by the next {@code docker compose up}.
 */
final class ComposeInUse {
    /**
     * The first minor versions of Compose 2 that are taken to hash in the way of 2.33.0, and in that of 2.37.1 and 2.40.3. Tried
     * are these and 2.26.1, which has the oldest way.
     */
    private static final int BETWEEN = 32;

    private static final int NEW = 35;

    private static final long ASK_SECONDS = 5;

    private final DockerApi api;
    private final Map<String, String> environment;

    ComposeInUse(DockerApi api, Map<String, String> environment) {
        this.api = api;
        this.environment = environment;
    }

    /** The hash that it would give the service's containers. */
    String hash(ServiceSpec spec) {
        List<String> variants = spec.hashes();
        if (variants.stream().distinct().count() < 2) {
            return variants.isEmpty() ? "" : variants.getFirst();
        }
        List<JsonNode> made = StreamSupport.stream(api.list(Labels.VERSION).spliterator(), false)
                .filter(container -> label(container, Labels.ROLLOUT).isEmpty()) // by Compose itself
                .sorted(Comparator.comparingLong((JsonNode container) ->
                                container.path("Created").asLong())
                        .reversed())
                .toList();
        Optional<Version> inUse = plugin().or(() ->
                made.stream().findFirst().flatMap(container -> Version.of(label(container, Labels.VERSION))));
        Optional<String> its = made.stream()
                .filter(container -> label(container, Labels.PROJECT)
                                .equals(spec.key().project())
                        && label(container, Labels.SERVICE).equals(spec.key().service())
                        && Version.of(label(container, Labels.VERSION)).equals(inUse))
                .map(container -> label(container, Labels.CONFIG_HASH))
                .filter(variants::contains)
                .findFirst();
        return its.orElseGet(() -> variants.get(inUse.map(Version::variant).orElse(0)));
    }

    private static String label(JsonNode container, String name) {
        return container.path("Labels").path(name).asText();
    }

    private record Version(int major, int minor, int patch) {
        private static final Pattern TEXT = Pattern.compile("v?(\\d{1,9})\\.(\\d{1,9})\\.(\\d{1,9}).*");

        static Optional<Version> of(String text) {
            Matcher parts = TEXT.matcher(text);
            return parts.matches()
                    ? Optional.of(new Version(
                            Integer.parseInt(parts.group(1)),
                            Integer.parseInt(parts.group(2)),
                            Integer.parseInt(parts.group(3))))
                    : Optional.empty();
        }

        /** Which one of the hashes is its. */
        int variant() {
            int since = major * 1000 + minor;
            return since < 2000 + BETWEEN ? 2 : since < 2000 + NEW ? 1 : 0;
        }
    }

    /** That of the plugin that is installed: what comes next is its doing. */
    private Optional<Version> plugin() {
        String own = environment.getOrDefault("DOCKER_CONFIG", environment.getOrDefault("HOME", "") + "/.docker");
        return Stream.of(
                        own,
                        "/usr/local/lib/docker",
                        "/usr/local/libexec/docker",
                        "/usr/lib/docker",
                        "/usr/libexec/docker")
                .map(folder -> Path.of(folder, "cli-plugins", "docker-compose"))
                .filter(Files::isExecutable)
                .findFirst()
                .flatMap(ComposeInUse::ask);
    }

    private static Optional<Version> ask(Path plugin) {
        try {
            Process process = new ProcessBuilder(plugin.toString(), "docker-cli-plugin-metadata")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (var out = process.getInputStream()) {
                return process.waitFor(ASK_SECONDS, TimeUnit.SECONDS) // some hundred bytes: they wait in the pipe
                        ? Version.of(
                                new ObjectMapper().readTree(out).path("Version").asText())
                        : Optional.empty();
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            return Optional.empty(); // nothing that can be asked
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
