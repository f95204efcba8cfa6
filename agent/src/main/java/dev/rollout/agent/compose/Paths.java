package dev.rollout.agent.compose;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes the relative paths of a file absolute, by the folder they are relative to. */
final class Paths {
    private static final Pattern REMOTE =
            Pattern.compile("(https?|git|ssh|oci|docker-image|target|service)://.*|git@.*|github\\.com/.*");

    private final Path folder;

    private Paths(Path folder) {
        this.folder = folder;
    }

    /** Changes a whole file's nodes in place. */
    static void resolveProject(Node.Mapping root, Path folder) {
        Paths paths = new Paths(folder);
        if (root.get("services") instanceof Node.Mapping services) {
            services.entries().values().forEach(service -> {
                if (service instanceof Node.Mapping mapping) {
                    paths.service(mapping);
                }
            });
        }
        for (String section : List.of("configs", "secrets")) {
            if (root.get(section) instanceof Node.Mapping files) {
                files.entries().values().forEach(file -> {
                    if (file instanceof Node.Mapping mapping) {
                        paths.replace(mapping, "file");
                    }
                });
            }
        }
    }

    static void resolveService(Node.Mapping service, Path folder) {
        new Paths(folder).service(service);
    }

    private void service(Node.Mapping service) {
        switch (service.get("build")) {
            case Node.Scalar context -> service.entries().put("build", context(context));
            case Node.Mapping build -> {
                if (build.get("context") instanceof Node.Scalar context) {
                    build.entries().put("context", context(context));
                }
                if (build.get("additional_contexts") instanceof Node more) {
                    Node.Mapping contexts = Merge.keyValues(more);
                    contexts.entries().replaceAll((key, value) -> value instanceof Node.Scalar s ? context(s) : value);
                    build.entries().put("additional_contexts", contexts);
                }
            }
            case null, default -> {}
        }
        files(service, "env_file");
        files(service, "label_file");
        if (service.get("volumes") instanceof Node.Sequence volumes) {
            volumes.items().replaceAll(this::volume);
        }
        if (service.get("develop") instanceof Node.Mapping develop
                && develop.get("watch") instanceof Node.Sequence watch) {
            watch.items().forEach(item -> {
                if (item instanceof Node.Mapping mapping) {
                    replace(mapping, "path");
                }
            });
        }
    }

    private void files(Node.Mapping service, String key) {
        switch (service.get(key)) {
            case Node.Scalar file -> service.entries().put(key, absolute(file));
            case Node.Sequence files ->
                files.items().replaceAll(file -> {
                    if (file instanceof Node.Mapping mapping) {
                        replace(mapping, "path");
                        return mapping;
                    }
                    return file instanceof Node.Scalar scalar ? absolute(scalar) : file;
                });
            case null, default -> {}
        }
    }

    private Node volume(Node volume) {
        if (volume instanceof Node.Mapping mapping) {
            if (mapping.get("type") instanceof Node.Scalar type && type.text().equals("bind")) {
                replace(mapping, "source");
            }
            return mapping;
        }
        if (!(volume instanceof Node.Scalar scalar) || !(scalar.value() instanceof String text)) {
            return volume;
        }
        int colon = text.indexOf(':');
        if (colon > 0 && (text.startsWith(".") || text.startsWith("~"))) {
            String source = resolve(text.substring(0, colon));
            return new Node.Scalar(source + text.substring(colon), scalar.mark());
        }
        return volume;
    }

    private Node context(Node.Scalar context) {
        return REMOTE.matcher(context.text()).matches() ? context : absolute(context);
    }

    private void replace(Node.Mapping mapping, String key) {
        if (mapping.get(key) instanceof Node.Scalar scalar && scalar.value() != null) {
            mapping.entries().put(key, absolute(scalar));
        }
    }

    private Node.Scalar absolute(Node.Scalar path) {
        return new Node.Scalar(resolve(path.text()), path.mark());
    }

    private String resolve(String path) {
        return absolute(folder, path);
    }

    static String absolute(Path folder, @Nullable String path) {
        String text = path == null ? "" : path;
        if (text.equals("~") || text.startsWith("~/")) {
            return Path.of(System.getProperty("user.home"))
                    .resolve(text.length() < 2 ? "" : text.substring(2))
                    .normalize()
                    .toString();
        }
        return folder.resolve(text).normalize().toString();
    }
}
