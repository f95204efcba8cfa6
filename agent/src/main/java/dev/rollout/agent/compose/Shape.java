package dev.rollout.agent.compose;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a key may hold, and how it is written in the canonical model: checks a node and gives the canonical value in one
 * step, so that a key cannot be known to the one and not to the other.
 */
@FunctionalInterface
interface Shape {
    /**
     * @param path for messages: {@code services.web.ports}
     * @return String, Long, Double, Boolean, List, Map in printing order, or null
     * @throws ComposeException with the node's file:line
     */
    @Nullable
    Object read(Node node, String path);

    static ComposeException wrong(Node node, String path, String wanted) {
        return new ComposeException(node.mark(), path + " must be " + wanted + ", not " + node.kind());
    }

    Shape TEXT = (node, path) -> {
        if (node instanceof Node.Scalar scalar) {
            return switch (scalar.value()) {
                case null -> null;
                case String text -> text;
                default -> throw wrong(node, path, "a string (put it in quotes)");
            };
        }
        throw wrong(node, path, "a string");
    };

    /** A string, or a number written without quotes. */
    Shape TEXT_OR_NUMBER = (node, path) -> {
        if (node instanceof Node.Scalar scalar && !(scalar.value() instanceof Boolean)) {
            return scalar.value() == null ? null : scalar.text();
        }
        throw wrong(node, path, "a string or a number");
    };

    /** A string, or true or false written without quotes. */
    Shape TEXT_OR_BOOLEAN = (node, path) -> {
        if (node instanceof Node.Scalar scalar && !(scalar.value() instanceof Number)) {
            return scalar.value() == null ? null : scalar.value().toString();
        }
        throw wrong(node, path, "true, false or a string");
    };

    Shape INTEGER = (node, path) -> {
        if (node instanceof Node.Scalar scalar) {
            switch (scalar.value()) {
                case null -> {
                    return null;
                }
                case Long number -> {
                    return number;
                }
                case Double number
                when number == Math.rint(number) -> {
                    return number.longValue();
                }
                case String text
                when text.strip().matches("[-+]?\\d+") -> {
                    return Long.parseLong(text.strip());
                }
                default -> {}
            }
        }
        throw wrong(node, path, "a whole number");
    };

    Shape NUMBER = (node, path) -> {
        if (node instanceof Node.Scalar scalar) {
            switch (scalar.value()) {
                case null -> {
                    return null;
                }
                case Long number -> {
                    return number.doubleValue();
                }
                case Double number -> {
                    return number;
                }
                case String text
                when text.strip().matches("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?") -> {
                    return Double.parseDouble(text.strip());
                }
                default -> {}
            }
        }
        throw wrong(node, path, "a number");
    };

    Shape BOOLEAN = (node, path) -> {
        if (node instanceof Node.Scalar scalar) {
            switch (scalar.value()) {
                case null -> {
                    return null;
                }
                case Boolean bool -> {
                    return bool;
                }
                case String text -> {
                    switch (text.toLowerCase(java.util.Locale.ROOT)) {
                        case "true", "1", "y", "yes", "on", "t" -> {
                            return true;
                        }
                        case "false", "0", "n", "no", "off", "f" -> {
                            return false;
                        }
                        default -> {}
                    }
                }
                default -> {}
            }
        }
        throw wrong(node, path, "true or false");
    };

    /** A Go duration, printed as Go prints it. */
    Shape DURATION = (node, path) -> {
        if (node.isNull()) {
            return null;
        }
        if (node instanceof Node.Scalar scalar && scalar.value() instanceof String text) {
            return GoDurations.print(GoDurations.parse(text, scalar.mark(), path));
        }
        throw wrong(node, path, "a duration with a unit, such as 10s or 1m30s");
    };

    /** A size in bytes, printed as a decimal string. */
    Shape BYTES = (node, path) -> {
        if (node.isNull()) {
            return null;
        }
        if (node instanceof Node.Scalar scalar && !(scalar.value() instanceof Boolean)) {
            return Long.toString(ByteSizes.parse(scalar.text(), scalar.mark(), path));
        }
        throw wrong(node, path, "a size such as 64m or 1g");
    };

    /** Anything, as it stands. */
    Shape ANY = (node, path) -> plain(node);

    static @Nullable Object plain(Node node) {
        return switch (node) {
            case Node.Scalar scalar -> scalar.value();
            case Node.Sequence sequence -> {
                List<@Nullable Object> items = new ArrayList<>();
                sequence.items().forEach(item -> items.add(plain(item)));
                yield items;
            }
            case Node.Mapping mapping -> {
                Map<String, @Nullable Object> entries = new TreeMap<>();
                mapping.entries().forEach((key, value) -> entries.put(key, plain(value)));
                yield entries;
            }
        };
    }

    static Shape listOf(Shape item) {
        return (node, path) -> {
            if (!(node instanceof Node.Sequence sequence)) {
                throw wrong(node, path, "a list");
            }
            List<@Nullable Object> items = new ArrayList<>();
            for (int i = 0; i < sequence.items().size(); i++) {
                items.add(item.read(sequence.items().get(i), path + "[" + i + "]"));
            }
            return items;
        };
    }

    /** One string or a list of them. */
    static Shape oneOrMore(Shape item) {
        Shape list = listOf(item);
        return (node, path) -> node instanceof Node.Scalar && !node.isNull()
                ? new ArrayList<>(Arrays.asList(item.read(node, path)))
                : list.read(node, path);
    }

    static Shape mapOf(Shape value) {
        return (node, path) -> {
            if (!(node instanceof Node.Mapping mapping)) {
                throw wrong(node, path, "a mapping");
            }
            Map<String, @Nullable Object> entries = new TreeMap<>();
            mapping.entries().forEach((key, item) -> entries.put(key, value.read(item, path + "." + key)));
            return entries;
        };
    }

    /** A mapping or a list of {@code KEY=VALUE}; what a key without a value gets is {@code blank}. */
    static Shape keyValues(@Nullable String blank) {
        return (node, path) -> {
            if (node.isNull()) {
                return null;
            }
            Map<String, @Nullable Object> entries = new TreeMap<>();
            Merge.keyValues(node).entries().forEach((key, value) -> {
                if (!(value instanceof Node.Scalar scalar)) {
                    throw wrong(value, path + "." + key, "a string, a number, a boolean or null");
                }
                entries.put(key, scalar.value() == null ? blank : scalar.text());
            });
            return entries;
        };
    }

    static Shape oneOf(String... words) {
        return (node, path) -> {
            Object text = TEXT.read(node, path);
            if (text == null || Arrays.asList(words).contains(text)) {
                return text;
            }
            throw new ComposeException(
                    node.mark(), path + " is '" + text + "'; it must be one of " + String.join(", ", words));
        };
    }

    /** A mapping with known keys, written in their order, empty values left out. */
    static ObjectShape object(Field... fields) {
        return new ObjectShape(List.of(fields));
    }

    static Field field(String key, Shape shape) {
        return new Field(key, shape, When.NOT_EMPTY);
    }

    /** A field whose zero is written, once set (a pointer in Compose's own types). */
    static Field pointer(String key, Shape shape) {
        return new Field(key, shape, When.SET);
    }

    static Field always(String key, Shape shape) {
        return new Field(key, shape, When.ALWAYS);
    }

    /** A mapping that is written as {@code {}} even where nothing in it is set. */
    static Field orEmpty(String key, Shape shape) {
        return orElse(key, shape, Map.of());
    }

    /** A field that is written with a value of its own where it is not set. */
    static Field orElse(String key, Shape shape, Map<String, ?> absent) {
        return new Field(key, shape, When.ALWAYS, absent);
    }

    /** A known key that is read but is not part of the canonical model. */
    static Field unwritten(String key, Shape shape) {
        return new Field(key, shape, When.NEVER);
    }

    enum When {
        NOT_EMPTY,
        SET,
        ALWAYS,
        NEVER
    }

    record Field(
            String key, Shape shape, When when, @Nullable Object absent) {
        Field(String key, Shape shape, When when) {
            this(key, shape, when, null);
        }

        boolean writes(@Nullable Object value) {
            return switch (when) {
                case NEVER -> false;
                case ALWAYS -> true;
                case SET -> value != null;
                case NOT_EMPTY ->
                    switch (value) {
                        case null -> false;
                        case String text -> !text.isEmpty();
                        case Boolean bool -> bool;
                        case Long number -> number != 0;
                        case Double number -> number != 0;
                        case List<?> list -> !list.isEmpty();
                        case Map<?, ?> map -> !map.isEmpty();
                        default -> true;
                    };
            };
        }
    }

    /** See {@link #object}. */
    record ObjectShape(List<Field> fields) implements Shape {
        @Override
        public @Nullable Object read(Node node, String path) {
            if (node.isNull()) {
                return null;
            }
            if (!(node instanceof Node.Mapping mapping)) {
                throw wrong(node, path, "a mapping");
            }
            checkKeys(mapping, path);
            Map<String, @Nullable Object> written = new LinkedHashMap<>();
            for (Field field : fields) {
                Node value = mapping.get(field.key());
                Object read = value == null
                        ? null
                        : field.shape().read(value, path.isEmpty() ? field.key() : path + "." + field.key());
                if (field.writes(read)) {
                    written.put(field.key(), read == null ? field.absent() : read);
                }
            }
            return written;
        }

        private void checkKeys(Node.Mapping mapping, String path) {
            for (String key : mapping.entries().keySet()) {
                if (key.startsWith("x-")
                        || fields.stream().anyMatch(field -> field.key().equals(key))) {
                    continue;
                }
                throw new ComposeException(
                        mapping.keyMark(key),
                        (path.isEmpty() ? "the file" : path) + " has no key '" + key + "'; " + known(key));
            }
        }

        private String known(String key) {
            List<String> keys = fields.stream().map(Field::key).sorted().toList();
            return Nearest.to(key, keys)
                    .map(near -> "did you mean '" + near + "'?")
                    .orElse("known here: " + String.join(", ", keys));
        }
    }
}
