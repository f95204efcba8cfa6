package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.dockerjava.transport.DockerHttpClient.Request;
import dev.rollout.agent.model.PullInterval;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Tree;
import dev.rollout.agent.rollout.Asker;
import dev.rollout.agent.rollout.EngineRefused;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/** Images: looked up, pulled, or built by the docker CLI, before any container is touched. */
final class Images {
    private static final int SHOWN_LINES = 15;

    private final DockerApi api;
    private final Function<Asker, OnBehalf> behalf;
    private final ObjectMapper json = new ObjectMapper();

    Images(DockerApi api, Function<Asker, OnBehalf> behalf) {
        this.api = api;
        this.behalf = behalf;
    }

    /** The image's content address, if it is here. */
    Optional<String> id(String image) {
        return inspect(image).map(found -> found.path("Id").asText());
    }

    Optional<JsonNode> inspect(String image) {
        try {
            return Optional.of(api.get(
                    "/images/" + DockerApi.query(image).replace("%2F", "/").replace("%3A", ":") + "/json"));
        } catch (EngineRefused e) {
            if (e.status() == 404) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Makes sure of the image, as the service's pull policy says, and gives its content address. */
    String ensure(ServiceSpec spec, Asker asker, Consumer<String> progress) {
        OnBehalf who = behalf.apply(asker);
        String image = spec.image();
        String policy = spec.definition().text("pull_policy", "");
        Tree build = spec.definition().at("build");
        boolean override = image.startsWith("sha256:");
        if (build.isPresent() && !override && (policy.isEmpty() || policy.equals("build"))) {
            build(spec, build, image, who, progress);
        } else if (!override && isWanted(image, policy)) {
            pull(image, spec.definition().text("platform", ""), who, progress);
        }
        spec.definition().list("volumes").stream()
                .filter(mount -> "image".equals(mount.text("type")))
                .map(mount -> mount.text("source", ""))
                .filter(mounted -> !policy.equals("never") && id(mounted).isEmpty())
                .forEach(mounted -> pull(mounted, "", who, progress));
        return id(image)
                .orElseThrow(() -> new EngineRefused(
                        404,
                        "the image " + image + " is not here"
                                + (policy.equals("never") ? " and pull_policy is never" : "")
                                + (override ? ": it was removed, so there is nothing to go back to" : "")));
    }

    private boolean isWanted(String image, String policy) {
        return policy.equals("always")
                || (policy.isEmpty() || policy.equals("missing")) && id(image).isEmpty()
                || PullInterval.of(policy).filter(most -> isOlder(image, most)).isPresent();
    }

    /** Than since it was tagged here, which is all that the Engine knows of it; one that is not here is. */
    private boolean isOlder(String image, Duration most) {
        return inspect(image)
                .map(found -> found.path("Metadata").path("LastTagTime").asText())
                .filter(tagged -> !tagged.isEmpty())
                .map(tagged -> OffsetDateTime.parse(tagged)
                        .toInstant()
                        .isBefore(Instant.now().minus(most)))
                .orElse(true);
    }

    private void pull(String image, String platform, OnBehalf who, Consumer<String> progress) {
        progress.accept("pulling " + image);
        String[] parts = split(image);
        String path = "/images/create?fromImage=" + DockerApi.query(parts[0])
                + (parts[1].isEmpty() ? "" : "&tag=" + DockerApi.query(parts[1]))
                + (platform.isEmpty() ? "" : "&platform=" + DockerApi.query(platform));
        try {
            Map<String, String> headers = new HashMap<>();
            new RegistryLogin(who).header(image).ifPresent(auth -> headers.put("X-Registry-Auth", auth));
            api.stream(Request.Method.POST, path, null, headers, body -> {
                String last = "";
                try (MappingIterator<JsonNode> lines =
                        json.readerFor(JsonNode.class).readValues(body)) {
                    while (lines.hasNextValue()) {
                        JsonNode line = lines.nextValue();
                        if (line.has("error")) {
                            // inside a stream that began with 200
                            throw new EngineRefused(
                                    0,
                                    "the image " + image + " cannot be pulled: "
                                            + line.path("error").asText());
                        }
                        String status = line.path("id").asText("") + " "
                                + line.path("status").asText("");
                        if (!status.equals(last) && !line.has("progressDetail")) {
                            progress.accept(status.strip());
                        }
                        last = status;
                    }
                }
            });
        } catch (IOException e) {
            throw new EngineRefused(0, "the login for " + image + " cannot be read: " + e.getMessage());
        } catch (EngineRefused e) {
            throw e.status() == 0
                    ? e
                    : new EngineRefused(e.status(), "the image " + image + " cannot be pulled: " + e.getMessage());
        }
    }

    /** Name and tag (or digest with its sign). */
    static String[] split(String image) {
        int at = image.indexOf('@');
        if (at >= 0) {
            return new String[] {image.substring(0, at), image.substring(at + 1)};
        }
        int colon = image.lastIndexOf(':');
        return colon > image.lastIndexOf('/')
                ? new String[] {image.substring(0, colon), image.substring(colon + 1)}
                : new String[] {image, "latest"};
    }

    private static void build(ServiceSpec spec, Tree build, String image, OnBehalf who, Consumer<String> progress) {
        progress.accept("building " + image);
        List<String> command = new ArrayList<>(List.of("docker", "build", "-t", image));
        Path context = Path.of(build.text("context", "."));
        if (build.text("dockerfile") != null) {
            command.add("-f");
            command.add(context.resolve(build.text("dockerfile", "Dockerfile")).toString());
        } else if (build.text("dockerfile_inline") != null) {
            command.add("-f");
            command.add("-"); // from its input
        }
        build.map("args").forEach((k, v) -> command.addAll(List.of("--build-arg", k + "=" + v)));
        build.map("labels").forEach((k, v) -> command.addAll(List.of("--label", k + "=" + v)));
        build.map("additional_contexts").forEach((k, v) -> command.addAll(List.of("--build-context", k + "=" + v)));
        build.map("ulimits").forEach((k, v) -> {
            Ulimit limit = Ulimit.of(v);
            option(command, "--ulimit", k + "=" + limit.soft() + ":" + limit.hard());
        });
        build.texts("entitlements").forEach(right -> option(command, "--allow", right));
        if (build.flag("privileged")) {
            option(command, "--allow", "security.insecure");
        }
        option(command, "--provenance", build.text("provenance", ""));
        option(command, "--sbom", build.text("sbom", ""));
        option(command, "--target", build.text("target", ""));
        option(command, "--network", build.text("network", ""));
        option(command, "--shm-size", build.text("shm_size", ""));
        build.texts("cache_from").forEach(from -> option(command, "--cache-from", from));
        build.texts("cache_to").forEach(to -> option(command, "--cache-to", to));
        build.texts("extra_hosts").forEach(host -> option(command, "--add-host", host.replaceFirst("=", ":")));
        build.texts("tags").forEach(tag -> option(command, "-t", tag));
        build.texts("ssh").forEach(ssh -> option(command, "--ssh", ssh));
        build.texts("platforms").stream().limit(1).forEach(platform -> option(command, "--platform", platform));
        build.list("secrets").forEach(secret -> {
            Tree definition = new Tree(spec.project().tree()).at("secrets", secret.text("source", ""));
            String from = definition.text("file") != null
                    ? "src=" + definition.text("file")
                    : "env=" + definition.text("environment");
            option(command, "--secret", "id=" + secret.text("source") + "," + from);
        });
        if (build.flag("no_cache")) {
            command.add("--no-cache");
        }
        if (build.flag("pull")) {
            command.add("--pull");
        }
        command.add(context.toString());
        run(command, build.text("dockerfile_inline", ""), image, who, progress);
    }

    private static void option(List<String> command, String name, String value) {
        if (!value.isEmpty()) {
            command.add(name);
            command.add(value);
        }
    }

    private static void run(List<String> command, String input, String image, OnBehalf who, Consumer<String> progress) {
        try {
            ProcessBuilder builder = who.process(command).redirectErrorStream(true);
            if (!hasBuildx(who)) {
                builder.environment().put("DOCKER_BUILDKIT", "0"); // the classic builder: BuildKit needs the plugin
            }
            Process process = builder.start();
            try (OutputStream stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            }
            ArrayDeque<String> last = new ArrayDeque<>();
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    progress.accept(line);
                    last.addLast(line);
                    if (last.size() > SHOWN_LINES) {
                        last.removeFirst();
                    }
                }
            }
            int code = process.waitFor();
            if (code != 0) {
                throw new EngineRefused(
                        0, "the build of " + image + " failed with code " + code + ":\n" + String.join("\n", last));
            }
        } catch (IOException e) {
            throw new EngineRefused(0, "the docker CLI is needed to build " + image + ": " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineRefused(0, "the build of " + image + " was interrupted");
        }
    }

    private static boolean hasBuildx(OnBehalf who) throws IOException, InterruptedException {
        Process process = who.process(List.of("docker", "buildx", "version"))
                .redirectErrorStream(true)
                .start();
        process.getInputStream().readAllBytes();
        return process.waitFor() == 0;
    }
}
