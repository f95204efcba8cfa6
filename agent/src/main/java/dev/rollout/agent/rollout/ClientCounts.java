package dev.rollout.agent.rollout;

import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the clients of a service have seen since the gateway began.
 *
 * @param failed requests that got no answer of the service's own
 * @param micros how many requests took at most so many microseconds, and more than the class before
 */
public record ClientCounts(long requests, long failed, long retried, long held, SortedMap<Long, Long> micros) {
    public static final ClientCounts NONE = new ClientCounts(0, 0, 0, 0, new TreeMap<>());

    /** What came after that. */
    ClientCounts since(ClientCounts before) {
        SortedMap<Long, Long> more = new TreeMap<>(micros);
        before.micros.forEach((upper, count) -> more.merge(upper, -count, Long::sum));
        return new ClientCounts(
                requests - before.requests, failed - before.failed, retried - before.retried, held - before.held, more);
    }

    /** In a few words; empty where nobody asked for anything. */
    String words(ClientCounts before) {
        if (requests <= 0) {
            return "";
        }
        String counts = "; clients sent " + requests + " requests meanwhile: " + failed + " failed, " + retried
                + " retried, " + held + " held";
        String now = p99();
        String then = before.p99();
        return now.isEmpty() ? counts : counts + ", p99 " + now + (then.isEmpty() ? "" : " (before: " + then + ")");
    }

    private String p99() {
        long all = micros.values().stream().mapToLong(Long::longValue).sum();
        long beyond = all / 100;
        long seen = 0;
        for (var one : micros.entrySet()) {
            seen += one.getValue();
            if (all > 0 && seen >= all - beyond) {
                return String.format(Locale.ROOT, "%.1f ms", one.getKey() / 1000.0);
            }
        }
        return "";
    }
}
