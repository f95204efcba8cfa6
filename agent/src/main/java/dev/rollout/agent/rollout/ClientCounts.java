package dev.rollout.agent.rollout;

import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the clients of a service have seen since the gateway began to count.
 *
 * @param failed requests that got no answer of the service's own
 * @param micros how many requests took at most so many microseconds, and more than the class before
 */
public record ClientCounts(long requests, long failed, long retried, long held, SortedMap<Long, Long> micros) {
    public static final ClientCounts NONE = new ClientCounts(0, 0, 0, 0, new TreeMap<>());

    /** What came after that; all of it where the gateway has begun to count again, as after a crash. */
    ClientCounts since(ClientCounts before) {
        if (requests < before.requests) {
            return this;
        }
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
        long micros99 = quantile(micros, 0.99);
        return micros99 == 0 ? "" : String.format(Locale.ROOT, "%.1f ms", micros99 / 1000.0);
    }

    /** The class, by its upper bound, in which that part of all is reached; 0 where there is nothing. */
    public static long quantile(SortedMap<Long, Long> counts, double q) {
        long all = counts.values().stream().mapToLong(Long::longValue).sum();
        long wanted = (long) Math.ceil(all * q);
        for (var one : counts.entrySet()) {
            wanted -= one.getValue();
            if (all > 0 && wanted <= 0) {
                return one.getKey();
            }
        }
        return 0;
    }
}
