package dev.rollout.agent.model;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A look into the canonical model, which was checked when it was read: a wrong type here is our own error. */
public record Tree(@Nullable Object value) {
    /** The tree below a path of keys; a tree of null where there is nothing. */
    public Tree at(String... keys) {
        Object here = value;
        for (String key : keys) {
            here = here instanceof Map<?, ?> map ? map.get(key) : null;
        }
        return new Tree(here);
    }

    public boolean isPresent() {
        return value != null;
    }

    public @Nullable String text(String key) {
        Object found = at(key).value;
        return found == null ? null : found.toString();
    }

    public String text(String key, String fallback) {
        String found = text(key);
        return found == null ? fallback : found;
    }

    public int integer(String key, int fallback) {
        return (int) whole(key, fallback);
    }

    public long whole(String key, long fallback) {
        return switch (at(key).value) {
            case Number number -> number.longValue();
            case String text -> Long.parseLong(text);
            case null, default -> fallback;
        };
    }

    public double number(String key, double fallback) {
        return at(key).value instanceof Number number ? number.doubleValue() : fallback;
    }

    public boolean flag(String key) {
        return Boolean.TRUE.equals(at(key).value);
    }

    public Duration duration(String key, Duration fallback) {
        String found = text(key);
        return found == null ? fallback : Durations.parse(found);
    }

    /** The strings of a list; a lone string is a list of one. */
    public List<String> texts(String key) {
        return switch (at(key).value) {
            case List<?> list -> list.stream().map(String::valueOf).toList();
            case null -> List.of();
            case Object one -> List.of(one.toString());
        };
    }

    public List<Tree> list(String key) {
        return at(key).value instanceof List<?> list
                ? list.stream().map(Tree::new).toList()
                : List.of();
    }

    /** The entries of a mapping, in its order. */
    public Map<String, @Nullable Object> map(String key) {
        return at(key).asMap();
    }

    @SuppressWarnings("unchecked") // the canonical model's mappings have string keys
    public Map<String, @Nullable Object> asMap() {
        return value instanceof Map<?, ?> map ? (Map<String, @Nullable Object>) map : Map.of();
    }
}
