package dev.rollout.sidecar;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the app is made of (a shard, a database, a listener), and which of it is ready. The app is ready if and only if
 * it has declared something, and all that it declared is ready now.
 */
final class Components {
    private static final int MOST = 1000;

    /** @param until when the report is worth nothing any more, in the clock's nanoseconds; null: never */
    private record State(
            boolean ready,
            String detail,
            String by,
            @Nullable Long until) {}

    private final Map<String, State> states = new TreeMap<>();
    private final LongSupplier nanos;
    private boolean stopping;

    Components(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /** Makes a component part of the app: not ready until it is reported so. */
    synchronized void declare(String name) {
        if (states.size() >= MOST && !states.containsKey(name)) {
            throw new IllegalArgumentException("more than " + MOST + " components");
        }
        states.putIfAbsent(check(name), new State(false, "not reported yet", "", null));
    }

    /**
     * Takes a report in, which declares the component where that is new.
     *
     * @param report {@code ready [TTL]} or {@code down [REASON]}
     * @param by how it came
     * @throws IllegalArgumentException where it is neither
     */
    synchronized void report(String name, String report, String by) {
        String[] words = report.strip().split("\\s+", 2);
        String rest = words.length > 1 ? words[1] : "";
        switch (words[0]) {
            case "ready" -> {
                Long until = rest.isEmpty()
                        ? null
                        : Long.valueOf(nanos.getAsLong() + Durations.parse(rest).toNanos());
                put(name, new State(true, "", by, until));
            }
            case "down" -> put(name, new State(false, rest, by, null));
            default ->
                throw new IllegalArgumentException(
                        "a report is 'ready', 'ready 10s' (worth nothing after that) or 'down REASON', not '"
                                + report.strip() + "'");
        }
    }

    private void put(String name, State state) {
        declare(name);
        states.put(name, state);
    }

    private static String check(String name) {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
            throw new IllegalArgumentException(
                    "a component's name is up to 64 letters, digits, '.', '_' and '-', not '" + name + "'");
        }
        return name;
    }

    /** From now on nothing is ready: the app is told to end. */
    synchronized void stopping() {
        stopping = true;
    }

    synchronized boolean ready() {
        return why().isEmpty();
    }

    /** Why the app is not ready; empty where it is. */
    synchronized Optional<String> why() {
        if (stopping) {
            return Optional.of("stopping");
        }
        if (states.isEmpty()) {
            return Optional.of("nothing is declared");
        }
        return states.entrySet().stream()
                .filter(one -> !live(one.getValue()))
                .map(one -> one.getKey() + ": " + words(one.getValue()))
                .findFirst();
    }

    private boolean live(State state) {
        Long until = state.until();
        return state.ready() && (until == null || until - nanos.getAsLong() > 0);
    }

    private String words(State state) {
        return live(state) ? "ready" : state.ready() ? "its report is too old" : state.detail();
    }

    /** Each component's state, for people and programs. */
    synchronized Map<String, Object> describe() {
        Map<String, Object> all = new LinkedHashMap<>();
        states.forEach((name, state) -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("ready", live(state));
            one.put("detail", words(state));
            one.put("by", state.by());
            all.put(name, one);
        });
        return all;
    }
}
