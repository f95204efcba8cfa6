package dev.rollout.agent.compose;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a later file changes an earlier one: mappings merge, lists append, scalars replace, but for the keys that Compose
 * treats in a way of their own.
 */
final class Merge {
    private static final Pattern REPLACED =
            Pattern.compile("services\\.[^.]+\\.(command|entrypoint|healthcheck\\.test)");
    private static final Pattern KEY_VALUES = Pattern.compile("services\\.[^.]+\\.(annotations|build\\.args"
            + "|build\\.additional_contexts|build\\.labels|deploy\\.labels|environment|labels|sysctls)");
    private static final Pattern LISTS =
            Pattern.compile("services\\.[^.]+\\.(dns|dns_opt|dns_search|env_file|label_file|tmpfs)");
    private static final Pattern NAMED = Pattern.compile("services\\.[^.]+\\.(networks|depends_on)");
    private static final Set<String> UNIQUE = Set.of(
            "cap_add",
            "cap_drop",
            "dns",
            "extra_hosts",
            "dns_opt",
            "dns_search",
            "links",
            "profiles",
            "security_opt",
            "tmpfs");

    private Merge() {}

    static Node merge(Node base, Node over, String path) {
        if (over.directive() == Node.Directive.OVERRIDE) {
            return over;
        }
        if (REPLACED.matcher(path).matches()) {
            return over;
        }
        if (base.isNull()) {
            return over;
        }
        if (over.isNull() && !(base instanceof Node.Scalar)) {
            return base;
        }
        if (KEY_VALUES.matcher(path).matches()) {
            return byKey(keyValues(base), keyValues(over));
        }
        if (LISTS.matcher(path).matches()) {
            return append(list(base), list(over));
        }
        if (NAMED.matcher(path).matches()) {
            Node.Mapping merged = named(base, path);
            mergeInto(merged, named(over, path), path);
            return merged;
        }
        if (path.matches("services\\.[^.]+\\.logging")) {
            return logging(base, over, path);
        }
        if (path.matches("services\\.[^.]+\\.build")) {
            Node.Mapping merged = build(base);
            mergeInto(merged, build(over), path);
            return merged;
        }
        if (path.matches("services\\.[^.]+\\.ulimits\\.[^.]+")) {
            return over;
        }
        if (base instanceof Node.Mapping into && over instanceof Node.Mapping from) {
            mergeInto(into, from, path);
            return into;
        }
        if (base instanceof Node.Sequence first && over instanceof Node.Sequence second) {
            return append(first, second);
        }
        if (base instanceof Node.Scalar && over instanceof Node.Scalar) {
            return over;
        }
        throw new ComposeException(
                over.mark(), path + " is " + over.kind() + " here and " + base.kind() + " at " + base.mark());
    }

    static void mergeInto(Node.Mapping into, Node.Mapping from, String path) {
        from.entries().forEach((key, value) -> {
            if (value.directive() == Node.Directive.RESET) {
                into.entries().remove(key);
                return;
            }
            Node there = into.get(key);
            String below = path.isEmpty() ? key : path + "." + key;
            into.entries().put(key, there == null ? value : merge(there, value, below));
            into.keys().put(key, from.keyMark(key));
        });
    }

    /** Removes what {@code !reset} marks in a file that nothing was merged into. */
    static void dropResets(Node node) {
        switch (node) {
            case Node.Mapping mapping -> {
                mapping.entries().values().removeIf(value -> value.directive() == Node.Directive.RESET);
                mapping.entries().values().forEach(Merge::dropResets);
            }
            case Node.Sequence sequence -> sequence.items().forEach(Merge::dropResets);
            case Node.Scalar scalar -> {}
        }
    }

    private static Node.Sequence append(Node.Sequence first, Node.Sequence second) {
        Node.Sequence all = new Node.Sequence(new ArrayList<>(first.items()), first.mark(), first.directive());
        all.items().addAll(second.items());
        return all;
    }

    private static Node.Sequence list(Node node) {
        if (node instanceof Node.Sequence sequence) {
            return sequence;
        }
        Node.Sequence one = new Node.Sequence(node.mark());
        one.items().add(node);
        return one;
    }

    /** A mapping or a list of {@code KEY=VALUE} as entries by key; a key without a value has a null scalar. */
    static Node.Mapping keyValues(Node node) {
        if (node instanceof Node.Mapping mapping) {
            return mapping;
        }
        Node.Mapping entries = new Node.Mapping(node.mark());
        if (node instanceof Node.Sequence sequence) {
            for (Node item : sequence.items()) {
                if (!(item instanceof Node.Scalar scalar) || scalar.value() == null) {
                    throw new ComposeException(item.mark(), "expected KEY=VALUE, found " + item.kind());
                }
                String text = scalar.text();
                int equals = text.indexOf('=');
                String key = equals < 0 ? text : text.substring(0, equals);
                entries.entries()
                        .put(key, new Node.Scalar(equals < 0 ? null : text.substring(equals + 1), item.mark()));
                entries.keys().put(key, item.mark());
            }
            return entries;
        }
        throw new ComposeException(node.mark(), "expected a mapping or a list of KEY=VALUE, found " + node.kind());
    }

    private static Node byKey(Node.Mapping base, Node.Mapping over) {
        Node.Mapping all = new Node.Mapping(
                new LinkedHashMap<>(base.entries()), new LinkedHashMap<>(), base.mark(), base.directive());
        over.entries().forEach((key, value) -> {
            if (value.directive() == Node.Directive.RESET) {
                all.entries().remove(key);
            } else {
                all.entries().put(key, value);
            }
        });
        return all;
    }

    /** The short syntax of networks and depends_on, a list of names, as its long one. */
    static Node.Mapping named(Node node, String path) {
        if (node instanceof Node.Mapping mapping) {
            return mapping;
        }
        Node.Mapping entries = new Node.Mapping(node.mark());
        if (node instanceof Node.Sequence sequence) {
            for (Node item : sequence.items()) {
                if (!(item instanceof Node.Scalar name) || name.value() == null) {
                    throw new ComposeException(item.mark(), path + " lists names, found " + item.kind());
                }
                Node value = new Node.Scalar(null, item.mark());
                if (path.endsWith("depends_on")) {
                    Node.Mapping condition = new Node.Mapping(item.mark());
                    condition.put("condition", new Node.Scalar("service_started", item.mark()));
                    condition.put("required", new Node.Scalar(true, item.mark()));
                    value = condition;
                }
                entries.put(name.text(), value);
            }
            return entries;
        }
        throw new ComposeException(node.mark(), path + " is a list of names or a mapping, found " + node.kind());
    }

    private static Node logging(Node base, Node over, String path) {
        if (base instanceof Node.Mapping into && over instanceof Node.Mapping from) {
            Node was = into.get("driver");
            Node is = from.get("driver");
            if (was instanceof Node.Scalar a
                    && is instanceof Node.Scalar b
                    && !a.text().equals(b.text())) {
                return over; // options belong to their driver
            }
            mergeInto(into, from, path);
            return into;
        }
        return over;
    }

    private static Node.Mapping build(Node node) {
        if (node instanceof Node.Mapping mapping) {
            return mapping;
        }
        Node.Mapping build = new Node.Mapping(node.mark());
        build.put("context", node);
        return build;
    }

    /** Of list items with the same key the last wins, in the first's place. */
    static void enforceUnicity(Node.Mapping root) {
        if (!(root.get("services") instanceof Node.Mapping services)) {
            return;
        }
        for (Node service : services.entries().values()) {
            if (!(service instanceof Node.Mapping mapping)) {
                continue;
            }
            mapping.entries().forEach((key, value) -> {
                if (value instanceof Node.Sequence sequence) {
                    unique(sequence, key);
                }
            });
            if (mapping.get("build") instanceof Node.Mapping build) {
                for (String key : List.of("tags", "platforms")) {
                    if (build.get(key) instanceof Node.Sequence sequence) {
                        unique(sequence, "cap_add");
                    }
                }
            }
        }
    }

    private static void unique(Node.Sequence sequence, String key) {
        Map<String, Node> kept = new LinkedHashMap<>();
        int anonymous = 0;
        for (Node item : sequence.items()) {
            String identity = identity(key, item);
            kept.put(identity == null ? "#" + anonymous++ : identity, item);
        }
        sequence.items().clear();
        sequence.items().addAll(kept.values());
    }

    private static @Nullable String identity(String key, Node item) {
        return switch (key) {
            case "volumes", "devices" ->
                item instanceof Node.Mapping mapping ? text(mapping.get("target")) : target(text(item));
            case "configs" ->
                item instanceof Node.Mapping mapping && mapping.get("target") != null
                        ? text(mapping.get("target"))
                        : "/" + text(item instanceof Node.Mapping mapping ? mapping.get("source") : item);
            case "secrets" ->
                item instanceof Node.Mapping mapping && mapping.get("target") != null
                        ? text(mapping.get("target"))
                        : "/run/secrets/" + text(item instanceof Node.Mapping mapping ? mapping.get("source") : item);
            case "env_file" -> item instanceof Node.Mapping mapping ? text(mapping.get("path")) : text(item);
            case "expose" -> text(item);
            case "ports" -> port(item);
            default -> UNIQUE.contains(key) ? text(item) : null;
        };
    }

    private static String port(Node item) {
        if (item instanceof Node.Mapping mapping) {
            String protocol = mapping.get("protocol") == null ? "tcp" : text(mapping.get("protocol"));
            return text(mapping.get("host_ip")) + ":" + text(mapping.get("published")) + ":"
                    + text(mapping.get("target")) + "/" + protocol;
        }
        String text = text(item);
        if (!text.contains("/")) {
            text += "/tcp";
        }
        int colons = (int) text.chars().filter(c -> c == ':').count();
        return colons == 0 ? "::" + text : colons == 1 ? ":" + text : text;
    }

    private static String target(String spec) {
        String[] parts = spec.split(":", -1);
        return parts.length == 1 ? parts[0] : parts[1];
    }

    private static String text(@Nullable Node node) {
        return node instanceof Node.Scalar scalar ? scalar.text() : "";
    }
}
