package dev.rollout.agent.gateway;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** How long requests took, in classes that grow by an eighth: a quantile is right to 12.5 %. */
final class Latency {
    private static final int CLASSES = 256;
    private final AtomicLongArray counts = new AtomicLongArray(CLASSES);
    private final LongAdder sum = new LongAdder(); // nanoseconds

    void record(long nanos) {
        counts.incrementAndGet(index(Math.max(0, nanos) / 1000));
        sum.add(nanos);
    }

    /** Eight classes for each power of two of microseconds. */
    private static int index(long micros) {
        if (micros < 8) {
            return (int) micros;
        }
        int power = 63 - Long.numberOfLeadingZeros(micros);
        return Math.min(CLASSES - 1, (power - 2) * 8 + (int) (micros >> power - 3 & 7));
    }

    private static long upper(int index) {
        if (index < 8) {
            return index + 1;
        }
        int power = index / 8 + 2;
        return (1L << power) + ((index % 8 + 1L) << power - 3);
    }

    /** How many took at most so many microseconds, and more than the class before. */
    SortedMap<Long, Long> counts() {
        SortedMap<Long, Long> shown = new TreeMap<>();
        for (int i = 0; i < CLASSES; i++) {
            if (counts.get(i) > 0) {
                shown.put(upper(i), counts.get(i));
            }
        }
        return shown;
    }

    long sumMicros() {
        return sum.sum() / 1000;
    }
}
