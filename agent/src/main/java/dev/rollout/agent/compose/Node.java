package dev.rollout.agent.compose;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A piece of a Compose file that remembers where it stands. Mappings and sequences are mutable while files are merged. */
sealed interface Node {
    Mark mark();

    Directive directive();

    /** Compose's merge tags. */
    enum Directive {
        NONE,
        RESET,
        OVERRIDE
    }

    /**
     * A scalar after go-yaml's rules.
     *
     * @param value String, Long, Double, Boolean or null
     */
    record Scalar(@Nullable Object value, Mark mark, Directive directive) implements Node {
        Scalar(@Nullable Object value, Mark mark) {
            this(value, mark, Directive.NONE);
        }

        /** The value as Go prints it. */
        String text() {
            return switch (value) {
                case null -> "";
                case Double number -> GoNumbers.print(number);
                case Object other -> other.toString();
            };
        }
    }

    record Mapping(LinkedHashMap<String, Node> entries, Map<String, Mark> keys, Mark mark, Directive directive)
            implements Node {
        Mapping(Mark mark) {
            this(new LinkedHashMap<>(), new LinkedHashMap<>(), mark, Directive.NONE);
        }

        @Nullable
        Node get(String key) {
            return entries.get(key);
        }

        void put(String key, Node value) {
            entries.put(key, value);
            keys.putIfAbsent(key, value.mark());
        }

        Mark keyMark(String key) {
            return keys.getOrDefault(key, mark);
        }
    }

    record Sequence(List<Node> items, Mark mark, Directive directive) implements Node {
        Sequence(Mark mark) {
            this(new ArrayList<>(), mark, Directive.NONE);
        }
    }

    default boolean isNull() {
        return this instanceof Scalar scalar && scalar.value() == null;
    }

    default String kind() {
        return switch (this) {
            case Mapping mapping -> "a mapping";
            case Sequence sequence -> "a list";
            case Scalar(Object value, Mark mark, Directive directive) ->
                switch (value) {
                    case null -> "nothing";
                    case Boolean b -> "a boolean";
                    case Long n -> "a number";
                    case Double n -> "a number";
                    default -> "a string";
                };
        };
    }

    /** A deep copy: an anchor used twice must not be merged into twice. */
    default Node copy() {
        return switch (this) {
            case Scalar scalar -> scalar;
            case Sequence sequence -> {
                Sequence copy = new Sequence(new ArrayList<>(), sequence.mark(), sequence.directive());
                sequence.items().forEach(item -> copy.items().add(item.copy()));
                yield copy;
            }
            case Mapping mapping -> {
                Mapping copy = new Mapping(
                        new LinkedHashMap<>(),
                        new LinkedHashMap<>(mapping.keys()),
                        mapping.mark(),
                        mapping.directive());
                mapping.entries().forEach((key, value) -> copy.entries().put(key, value.copy()));
                yield copy;
            }
        };
    }
}
