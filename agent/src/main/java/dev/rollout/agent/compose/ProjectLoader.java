package dev.rollout.agent.compose;

import dev.rollout.agent.model.ProjectSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Compose files as users have them, to the one canonical model that {@code docker compose config} prints. */
public final class ProjectLoader {
    private final LoadRequest request;
    private final Set<String> unset = new LinkedHashSet<>();

    private ProjectLoader(LoadRequest request) {
        this.request = request;
    }

    /**
     * Loads a project.
     *
     * @throws ComposeException where the files cannot be used; nothing was touched
     */
    public static ProjectSpec load(LoadRequest request) {
        try {
            return new ProjectLoader(request).load();
        } catch (StackOverflowError e) {
            throw new ComposeException(null, "the files are nested too deeply");
        }
    }

    private ProjectSpec load() {
        ProjectFiles found = ProjectFiles.find(request);
        Map<String, String> variables = new LinkedHashMap<>(found.variables());
        String name = name(found, variables);
        variables.put("COMPOSE_PROJECT_NAME", name);
        Node.Mapping root =
                new FileLoader(request.directory(), unset).load(found.files(), found.directory(), variables);
        if (!(root.get("services") instanceof Node.Mapping services)
                || services.entries().isEmpty()) {
            throw new ComposeException(root.mark(), "no service is defined");
        }
        Map<String, Map<String, @Nullable Object>> read = services(services, variables, found.directory());
        read = Profiles.select(read, profiles(variables), request.services(), services);
        Map<String, Map<String, @Nullable Object>> networks = section(root, "networks", Sections.NETWORK, name);
        Map<String, Map<String, @Nullable Object>> volumes = section(root, "volumes", Sections.VOLUME, name);
        Map<String, Map<String, @Nullable Object>> secrets = section(root, "secrets", Sections.FILE_OBJECT, name);
        Map<String, Map<String, @Nullable Object>> configs = section(root, "configs", Sections.FILE_OBJECT, name);
        networks.computeIfAbsent("default", key -> defaultNetwork(name));
        new Consistency(root, services).check(read, networks, volumes, secrets, configs);

        Map<String, @Nullable Object> tree = new LinkedHashMap<>();
        Used used = Used.by(read);
        put(tree, "configs", used.only(configs, used.configs()));
        tree.put("name", name);
        put(tree, "networks", used.only(networks, used.networks()));
        put(tree, "secrets", used.only(secrets, used.secrets()));
        tree.put("services", new TreeMap<>(read));
        put(tree, "volumes", used.only(volumes, used.volumes()));
        new TreeMap<>(root.entries()).forEach((key, value) -> {
            if (key.startsWith("x-")) {
                tree.put(key, Shape.plain(value));
            }
        });
        return new ProjectSpec(
                name,
                found.directory().toString(),
                found.files().stream().map(Path::toString).toList(),
                found.envFiles().stream()
                        .map(f -> request.directory().resolve(f).normalize().toString())
                        .toList(),
                tree,
                rolloutKeys(root, services, read.keySet()),
                hashes(read),
                Refusals.in(services, read),
                List.copyOf(unset));
    }

    private static void put(Map<String, @Nullable Object> tree, String key, Map<String, ?> section) {
        if (!section.isEmpty()) {
            tree.put(key, section);
        }
    }

    private String name(ProjectFiles found, Map<String, String> variables) {
        String named = request.projectName();
        if (named == null || named.isEmpty()) {
            named = variables.get("COMPOSE_PROJECT_NAME");
        }
        if (named != null && !named.isEmpty()) {
            return valid(named);
        }
        for (Path file : found.files().reversed()) {
            for (Node document : YamlReader.read(file, ProjectFiles.shown(file, request.directory()))
                    .reversed()) {
                if (document instanceof Node.Mapping mapping && mapping.get("name") instanceof Node.Scalar scalar) {
                    String text = new Interpolation(variables).substitute(scalar.text(), scalar.mark(), "name");
                    if (!text.isEmpty()) {
                        return valid(text);
                    }
                }
            }
        }
        Path base = found.directory().getFileName();
        String normal = (base == null ? "" : base.toString())
                .toLowerCase(Locale.ROOT)
                .replaceAll("[^-_a-z0-9]", "")
                .replaceFirst("^[-_]+", "");
        if (normal.isEmpty()) {
            throw new ComposeException(null, "the folder's name gives no project name; name one with -p");
        }
        return normal;
    }

    private static String valid(String name) {
        if (!name.matches("[a-z0-9][-_a-z0-9]*")) {
            throw new ComposeException(
                    null,
                    "'" + name + "' is no project name: lowercase letters, digits, '-' and '_', beginning with a"
                            + " letter or digit");
        }
        return name;
    }

    private Set<String> profiles(Map<String, String> variables) {
        Set<String> profiles = new LinkedHashSet<>(request.profiles());
        String variable = variables.get("COMPOSE_PROFILES");
        if (profiles.isEmpty() && variable != null && !variable.isEmpty()) {
            profiles.addAll(List.of(variable.split(",")));
        }
        return profiles;
    }

    private Map<String, Map<String, @Nullable Object>> services(
            Node.Mapping nodes, Map<String, String> variables, Path directory) {
        Map<String, Map<String, @Nullable Object>> services = new LinkedHashMap<>();
        nodes.entries().forEach((name, node) -> {
            String path = "services." + name;
            if (!name.matches("[a-zA-Z0-9._-]+")) {
                throw new ComposeException(nodes.keyMark(name), "'" + name + "' is no service name");
            }
            if (!(node instanceof Node.Mapping service)) {
                throw Shape.wrong(node, path, "a mapping");
            }
            environment(service, variables, path);
            labels(service, variables, path);
            buildArguments(service, variables);
            Map<String, @Nullable Object> read = new LinkedHashMap<>();
            Object canonical = Grammar.SERVICE.read(service, path);
            ((Map<?, ?>) Objects.requireNonNull(canonical)).forEach((key, value) -> read.put((String) key, value));
            Normalize.service(read, directory);
            services.put(name, inOrder(read));
        });
        return services;
    }

    /** The fields in printing order again, after defaults were put in at the end. */
    private static Map<String, @Nullable Object> inOrder(Map<String, @Nullable Object> service) {
        Map<String, @Nullable Object> ordered = new LinkedHashMap<>();
        Grammar.SERVICE.fields().forEach(field -> {
            if (service.containsKey(field.key())) {
                ordered.put(field.key(), service.get(field.key()));
            }
        });
        return ordered;
    }

    /** {@code environment} over {@code env_file}; a name without a value takes the user's, if there is one. */
    private void environment(Node.Mapping service, Map<String, String> variables, String path) {
        Node.Mapping all = files(service, "env_file", variables, path);
        Node own = service.get("environment");
        if (own != null && !own.isNull()) {
            Merge.keyValues(own).entries().forEach((key, value) -> {
                String inherited = value.isNull() ? variables.get(key) : null;
                all.entries().put(key, inherited == null ? value : new Node.Scalar(inherited, value.mark()));
            });
        }
        if (!all.entries().isEmpty()) {
            service.put("environment", all);
        }
    }

    /** {@code labels} over {@code label_file}. */
    private void labels(Node.Mapping service, Map<String, String> variables, String path) {
        Node.Mapping all = files(service, "label_file", variables, path);
        if (all.entries().isEmpty()) {
            return;
        }
        Node own = service.get("labels");
        if (own != null && !own.isNull()) {
            all.entries().putAll(Merge.keyValues(own).entries());
        }
        service.put("labels", all);
    }

    /** What the files say that a service names, the last one's before the others'. */
    private Node.Mapping files(Node.Mapping service, String name, Map<String, String> variables, String path) {
        Node.Mapping all = new Node.Mapping(service.mark());
        Node files = service.get(name);
        if (files == null || files.isNull()) {
            return all;
        }
        Map<String, String> known = new LinkedHashMap<>(variables);
        for (Node file : files instanceof Node.Sequence sequence ? sequence.items() : List.of(files)) {
            boolean required = true;
            Node pathNode = file;
            if (file instanceof Node.Mapping mapping) {
                pathNode = Objects.requireNonNullElse(mapping.get("path"), file);
                required = !(mapping.get("required") instanceof Node.Scalar r
                        && Boolean.FALSE.equals(Shape.BOOLEAN.read(r, path + "." + name + ".required")));
            }
            if (!(pathNode instanceof Node.Scalar scalar) || scalar.text().isEmpty()) {
                throw Shape.wrong(pathNode, path + "." + name, "a path");
            }
            Path there = Path.of(scalar.text());
            if (Files.exists(there)) {
                DotEnv.read(there, ProjectFiles.shown(there, request.directory()), known)
                        .forEach((key, value) -> {
                            known.putIfAbsent(key, value);
                            all.put(key, new Node.Scalar(value, scalar.mark()));
                        });
            } else if (required) {
                throw new ComposeException(
                        scalar.mark(),
                        path + "." + name + ": " + there + " does not exist"
                                + (name.equals("env_file") ? " (required: false allows it)" : ""));
            }
        }
        return all;
    }

    private static void buildArguments(Node.Mapping service, Map<String, String> variables) {
        if (service.get("build") instanceof Node.Mapping build
                && build.get("args") instanceof Node given
                && !given.isNull()) {
            Node.Mapping args = new Node.Mapping(given.mark());
            Merge.keyValues(given).entries().forEach((key, value) -> {
                String inherited = value.isNull() ? variables.get(key) : null;
                if (!value.isNull()) {
                    args.put(key, value);
                } else if (inherited != null) {
                    args.put(key, new Node.Scalar(inherited, value.mark()));
                }
            });
            build.entries().put("args", args);
        }
    }

    private static Map<String, Map<String, @Nullable Object>> section(
            Node.Mapping root, String section, Shape.ObjectShape shape, String project) {
        Map<String, Map<String, @Nullable Object>> result = new TreeMap<>();
        if (!(root.get(section) instanceof Node.Mapping entries)) {
            return result;
        }
        entries.entries().forEach((key, node) -> {
            Map<String, @Nullable Object> entry = new LinkedHashMap<>();
            Object read = shape.read(node.isNull() ? new Node.Mapping(node.mark()) : node, section + "." + key);
            ((Map<?, ?>) Objects.requireNonNull(read)).forEach((k, value) -> entry.put((String) k, value));
            Object external = entry.get("external");
            if (external instanceof Map<?, ?> legacy) {
                entry.put("external", true);
                if (legacy.get("name") != null) {
                    entry.put("name", legacy.get("name"));
                }
            }
            boolean isExternal = Boolean.TRUE.equals(entry.get("external"));
            if (isExternal) {
                for (String other :
                        List.of("driver", "driver_opts", "labels", "internal", "file", "environment", "content")) {
                    if (entry.containsKey(other)) {
                        throw new ComposeException(
                                node.mark(),
                                section + "." + key + " is external, so '" + other + "' has no meaning here");
                    }
                }
            }
            Map<String, @Nullable Object> named = new LinkedHashMap<>();
            named.put("name", entry.getOrDefault("name", isExternal ? key : project + "_" + key));
            named.putAll(entry);
            result.put(key, named);
        });
        return result;
    }

    private static Map<String, @Nullable Object> defaultNetwork(String project) {
        Map<String, @Nullable Object> network = new LinkedHashMap<>();
        network.put("name", project + "_default");
        network.put("ipam", Map.of());
        return network;
    }

    private static Map<String, Map<String, @Nullable Object>> rolloutKeys(
            Node.Mapping root, Node.Mapping services, Set<String> selected) {
        Map<String, Map<String, @Nullable Object>> keys = new LinkedHashMap<>();
        Node defaults = root.get("x-rollout");
        for (String name : selected) {
            Node own = services.get(name) instanceof Node.Mapping service ? service.get("x-rollout") : null;
            keys.put(name, RolloutGrammar.read(defaults, own, name));
        }
        return keys;
    }

    private static Map<String, List<String>> hashes(Map<String, Map<String, @Nullable Object>> services) {
        Map<String, List<String>> hashes = new LinkedHashMap<>();
        services.forEach((name, service) -> hashes.put(name, ConfigHash.variants(service)));
        return hashes;
    }

    /** The canonical model as {@code docker compose config --format json} prints it: a dollar sign is doubled. */
    public static @Nullable Object printable(@Nullable Object value) {
        return switch (value) {
            case String text -> text.replace("$", "$$");
            case Map<?, ?> map -> {
                Map<Object, @Nullable Object> copy = new LinkedHashMap<>();
                map.forEach((key, item) -> copy.put(printable(key), printable(item)));
                yield copy;
            }
            case List<?> list -> {
                List<@Nullable Object> copy = new ArrayList<>();
                list.forEach(item -> copy.add(printable(item)));
                yield copy;
            }
            case null -> null;
            default -> value;
        };
    }
}
