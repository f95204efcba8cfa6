package dev.rollout.agent.compose;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which files make the project, where it is, and what its variables are: Compose's rules of discovery.
 *
 * @param directory relative paths in the files are relative to it
 * @param variables the user's environment over {@code .env}
 */
record ProjectFiles(List<Path> files, Path directory, Map<String, String> variables, List<String> envFiles) {
    private static final List<String> NAMES =
            List.of("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml");
    private static final List<String> OVERRIDES = List.of(
            "compose.override.yml",
            "compose.override.yaml",
            "docker-compose.override.yml",
            "docker-compose.override.yaml");

    static ProjectFiles find(LoadRequest request) {
        Map<String, String> variables = new LinkedHashMap<>(request.environment());
        Path cwd = request.directory();
        Path start = request.projectDirectory() == null
                ? cwd
                : cwd.resolve(request.projectDirectory()).normalize();
        List<String> envFiles = envFiles(request, start);
        // the first .env may name the files; it is read beside where the user stands
        Map<String, String> fromFiles = readEnv(envFiles, cwd, start, request, variables);
        List<Path> files = files(request, cwd, withOutside(fromFiles, variables));
        Path directory = request.projectDirectory() != null
                ? start
                : java.util.Objects.requireNonNull(files.getFirst().getParent());
        if (envFiles.isEmpty() && !directory.equals(start)) {
            fromFiles = readEnv(envFiles, cwd, directory, request, variables);
        }
        return new ProjectFiles(files, directory, withOutside(fromFiles, variables), envFiles);
    }

    private static Map<String, String> withOutside(Map<String, String> fromFiles, Map<String, String> outside) {
        Map<String, String> all = new LinkedHashMap<>(fromFiles);
        all.putAll(outside);
        return all;
    }

    private static List<String> envFiles(LoadRequest request, Path start) {
        if (!request.envFiles().isEmpty()) {
            return request.envFiles();
        }
        String variable = request.environment().get("COMPOSE_ENV_FILES");
        return variable == null || variable.isEmpty() ? List.of() : List.of(variable.split(","));
    }

    private static Map<String, String> readEnv(
            List<String> named, Path cwd, Path directory, LoadRequest request, Map<String, String> outside) {
        Map<String, String> values = new LinkedHashMap<>();
        if (named.isEmpty()) {
            Path file = directory.resolve(".env");
            if (Files.isRegularFile(file)) {
                values.putAll(DotEnv.read(file, shown(file, request.directory()), outside));
            }
            return values;
        }
        for (String name : named) {
            Path file = cwd.resolve(name);
            if (!Files.exists(file)) {
                throw new ComposeException(null, "env file " + name + " does not exist");
            }
            values.putAll(DotEnv.read(file, name, withOutside(values, outside)));
        }
        return values;
    }

    private static List<Path> files(LoadRequest request, Path cwd, Map<String, String> variables) {
        List<String> named = new ArrayList<>(request.files());
        String variable = variables.get("COMPOSE_FILE");
        if (named.isEmpty() && variable != null && !variable.isEmpty()) {
            String separator = variables.getOrDefault("COMPOSE_PATH_SEPARATOR", File.pathSeparator);
            named.addAll(List.of(variable.split(java.util.regex.Pattern.quote(separator))));
        }
        if (!named.isEmpty()) {
            return named.stream().map(name -> cwd.resolve(name).normalize()).toList();
        }
        Path start = request.projectDirectory() == null ? cwd : cwd.resolve(request.projectDirectory());
        for (Path folder = start.normalize(); folder != null; folder = folder.getParent()) {
            Path found = first(folder, NAMES);
            if (found != null) {
                Path override = first(folder, OVERRIDES);
                return override == null ? List.of(found) : List.of(found, override);
            }
        }
        throw new ComposeException(
                null,
                "no Compose file: there is no " + String.join(", ", NAMES) + " in " + start
                        + " or a folder above it; name one with -f");
    }

    private static @Nullable Path first(Path folder, List<String> names) {
        return names.stream()
                .map(folder::resolve)
                .filter(Files::isRegularFile)
                .findFirst()
                .orElse(null);
    }

    /** A path as the user would type it. */
    static String shown(Path file, Path cwd) {
        Path absolute = file.toAbsolutePath().normalize();
        return absolute.startsWith(cwd) ? cwd.relativize(absolute).toString() : absolute.toString();
    }
}
