package dev.rollout.agent.compose;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads files, and what they extend and include, into one merged tree with absolute paths. */
final class FileLoader {
    private static final int MAX_DEPTH = 30;
    private static final List<String> SECTIONS = List.of("services", "networks", "volumes", "secrets", "configs");

    private final Path cwd;
    private final Set<String> unset;

    /** @param unset collects the variables that had no value */
    FileLoader(Path cwd, Set<String> unset) {
        this.cwd = cwd;
        this.unset = unset;
    }

    Node.Mapping load(List<Path> files, Path directory, Map<String, String> variables) {
        return load(files, directory, variables, List.of());
    }

    private Node.Mapping load(List<Path> files, Path directory, Map<String, String> variables, List<Path> includedBy) {
        Node.Mapping all = new Node.Mapping(new Mark(ProjectFiles.shown(files.getFirst(), cwd), 1));
        for (Path file : files) {
            for (Node.Mapping document : documents(file, variables)) {
                extend(document, file, directory, variables);
                Paths.resolveProject(document, directory);
                include(document, directory, variables, append(includedBy, file));
                Merge.mergeInto(all, document, "");
                Merge.enforceUnicity(all);
            }
        }
        Merge.dropResets(all);
        return all;
    }

    private static List<Path> append(List<Path> paths, Path path) {
        if (paths.contains(path)) {
            throw new ComposeException(
                    null,
                    "include cycle: "
                            + String.join(
                                    " includes ",
                                    java.util.stream.Stream.concat(paths.stream(), java.util.stream.Stream.of(path))
                                            .map(Path::toString)
                                            .toList()));
        }
        if (paths.size() >= MAX_DEPTH) {
            throw new ComposeException(null, path + ": includes are nested deeper than " + MAX_DEPTH);
        }
        List<Path> longer = new ArrayList<>(paths);
        longer.add(path);
        return longer;
    }

    private List<Node.Mapping> documents(Path file, Map<String, String> variables) {
        List<Node.Mapping> documents = new ArrayList<>();
        for (Node document : YamlReader.read(file, ProjectFiles.shown(file, cwd))) {
            if (document.isNull()) {
                continue;
            }
            if (!(document instanceof Node.Mapping mapping)) {
                throw new ComposeException(document.mark(), "a Compose file is a mapping, not " + document.kind());
            }
            Interpolation interpolation = new Interpolation(variables);
            interpolation.in(mapping, "");
            unset.addAll(interpolation.unset());
            Sections.FILE.read(mapping, "");
            for (String section : SECTIONS) {
                if (mapping.get(section) instanceof Node node && !node.isNull() && !(node instanceof Node.Mapping)) {
                    throw Shape.wrong(node, section, "a mapping");
                }
            }
            documents.add(mapping);
        }
        if (documents.isEmpty()) {
            throw new ComposeException(new Mark(ProjectFiles.shown(file, cwd), 1), "the file is empty");
        }
        return documents;
    }

    private void extend(Node.Mapping document, Path file, Path directory, Map<String, String> variables) {
        if (!(document.get("services") instanceof Node.Mapping services)) {
            return;
        }
        for (String name : List.copyOf(services.entries().keySet())) {
            services.entries().put(name, extended(services, name, file, directory, variables, List.of()));
        }
    }

    private Node extended(
            Node.Mapping services,
            String name,
            Path file,
            Path directory,
            Map<String, String> variables,
            List<String> chain) {
        Node node = Objects.requireNonNull(services.get(name));
        if (node.isNull()) {
            return new Node.Mapping(node.mark());
        }
        if (!(node instanceof Node.Mapping service)) {
            throw Shape.wrong(node, "services." + name, "a mapping");
        }
        Node extension = service.get("extends");
        if (extension == null || extension.isNull()) {
            return service;
        }
        String here = file + "#" + name;
        if (chain.contains(here)) {
            throw new ComposeException(
                    extension.mark(), "services." + name + " extends itself, by way of " + String.join(", ", chain));
        }
        List<String> longer = new ArrayList<>(chain);
        longer.add(here);
        Node base = base(extension, services, name, file, directory, variables, longer)
                .copy();
        service.entries().remove("extends");
        if (base instanceof Node.Mapping mapping) {
            mapping.entries().remove("extends");
        }
        Node merged = Merge.merge(base, service, "services." + name);
        services.entries().put(name, merged);
        return merged;
    }

    private Node base(
            Node extension,
            Node.Mapping services,
            String name,
            Path file,
            Path directory,
            Map<String, String> variables,
            List<String> chain) {
        String path = "services." + name + ".extends";
        String wanted;
        String other = null;
        if (extension instanceof Node.Mapping) {
            Object read = Shape.object(Shape.field("service", Shape.TEXT), Shape.field("file", Shape.TEXT))
                    .read(extension, path);
            Map<?, ?> map = (Map<?, ?>) Objects.requireNonNull(read);
            if (!(map.get("service") instanceof String service)) {
                throw new ComposeException(extension.mark(), path + " needs a service");
            }
            wanted = service;
            other = (String) map.get("file");
        } else {
            wanted = String.valueOf(Shape.TEXT.read(extension, path));
        }
        if (other == null) {
            if (services.get(wanted) == null) {
                throw new ComposeException(
                        extension.mark(),
                        path + ": there is no service '" + wanted + "' in this file"
                                + Nearest.to(wanted, services.entries().keySet())
                                        .map(near -> "; did you mean '" + near + "'?")
                                        .orElse(""));
            }
            return extended(services, wanted, file, directory, variables, chain);
        }
        Path otherFile = Path.of(Paths.absolute(directory, other));
        if (!Files.exists(otherFile)) {
            throw new ComposeException(extension.mark(), path + ": " + other + " does not exist");
        }
        Path otherFolder = Objects.requireNonNull(otherFile.getParent());
        for (Node.Mapping document : documents(otherFile, variables)) {
            if (document.get("services") instanceof Node.Mapping others && others.get(wanted) != null) {
                Node base = extended(others, wanted, otherFile, otherFolder, variables, chain)
                        .copy();
                if (base instanceof Node.Mapping mapping) {
                    Paths.resolveService(mapping, otherFolder);
                }
                return base;
            }
        }
        throw new ComposeException(extension.mark(), path + ": there is no service '" + wanted + "' in " + other);
    }

    private void include(Node.Mapping document, Path directory, Map<String, String> variables, List<Path> chain) {
        Node includes = document.entries().remove("include");
        if (includes == null || includes.isNull()) {
            return;
        }
        if (!(includes instanceof Node.Sequence sequence)) {
            throw Shape.wrong(includes, "include", "a list");
        }
        for (Node include : sequence.items()) {
            includeOne(document, include, directory, variables, chain);
        }
    }

    private void includeOne(
            Node.Mapping document, Node include, Path directory, Map<String, String> variables, List<Path> chain) {
        List<String> names = List.of();
        List<String> envFiles = List.of();
        String folderName = null;
        if (include instanceof Node.Mapping) {
            Object read = Shape.object(
                            Shape.field("path", Shape.oneOrMore(Shape.TEXT)),
                            Shape.field("env_file", Shape.oneOrMore(Shape.TEXT)),
                            Shape.field("project_directory", Shape.TEXT))
                    .read(include, "include");
            Map<?, ?> map = (Map<?, ?>) Objects.requireNonNull(read);
            names = texts(map.get("path"));
            envFiles = texts(map.get("env_file"));
            folderName = (String) map.get("project_directory");
        } else if (Shape.TEXT.read(include, "include") instanceof String path) {
            names = List.of(path);
        }
        if (names.isEmpty()) {
            throw new ComposeException(include.mark(), "include needs a path");
        }
        List<Path> files = names.stream()
                .map(name -> Path.of(Paths.absolute(directory, name)))
                .toList();
        for (Path file : files) {
            if (!Files.exists(file)) {
                throw new ComposeException(include.mark(), "include: " + file + " does not exist");
            }
        }
        Path folder = folderName == null
                ? Objects.requireNonNull(files.getFirst().getParent())
                : Path.of(Paths.absolute(directory, folderName));
        Map<String, String> inside = new LinkedHashMap<>();
        if (envFiles.isEmpty()) {
            if (Files.isRegularFile(folder.resolve(".env"))) {
                inside.putAll(DotEnv.read(
                        folder.resolve(".env"), ProjectFiles.shown(folder.resolve(".env"), cwd), variables));
            }
        }
        for (String envFile : envFiles) {
            Path path = Path.of(Paths.absolute(directory, envFile));
            if (!Files.exists(path)) {
                throw new ComposeException(include.mark(), "include: env file " + path + " does not exist");
            }
            inside.putAll(DotEnv.read(path, ProjectFiles.shown(path, cwd), variables));
        }
        inside.putAll(variables);
        Node.Mapping included = load(files, folder, inside, chain);
        for (String section : SECTIONS) {
            if (included.get(section) instanceof Node.Mapping from) {
                importInto(document, section, from);
            }
        }
    }

    private static List<String> texts(@Nullable Object list) {
        return list instanceof List<?> items
                ? items.stream().map(String::valueOf).toList()
                : List.of();
    }

    private static void importInto(Node.Mapping document, String section, Node.Mapping from) {
        if (!(document.get(section) instanceof Node.Mapping)) {
            document.put(section, new Node.Mapping(from.mark()));
        }
        Node.Mapping into = (Node.Mapping) Objects.requireNonNull(document.get(section));
        from.entries().forEach((name, node) -> {
            Node there = into.get(name);
            if (there != null && !Objects.equals(Shape.plain(there), Shape.plain(node))) {
                throw new ComposeException(
                        there.mark(), section + "." + name + " conflicts with the one included from " + node.mark());
            }
            into.put(name, node);
        });
    }
}
