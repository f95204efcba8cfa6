package dev.rollout.agent.compose;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Go reads and prints them: {@code 1m30s}, {@code 500ms}, {@code 1h0m0s}. */
final class GoDurations {
    private static final Pattern PART = Pattern.compile("(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|µs|ms|s|m|h|d)");
    private static final Map<String, Long> NANOS = Map.of(
            "ns",
            1L,
            "us",
            1_000L,
            "µs",
            1_000L,
            "ms",
            1_000_000L,
            "s",
            1_000_000_000L,
            "m",
            60_000_000_000L,
            "h",
            3_600_000_000_000L,
            "d",
            86_400_000_000_000L);

    private GoDurations() {}

    static Duration parse(String text, Mark mark, String path) {
        String rest = text.strip();
        boolean negative = rest.startsWith("-");
        Matcher part = PART.matcher(negative || rest.startsWith("+") ? rest.substring(1) : rest);
        BigDecimal nanos = BigDecimal.ZERO;
        int end = 0;
        while (part.find() && part.start() == end) {
            nanos = nanos.add(
                    new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(NANOS.getOrDefault(part.group(2), 0L))));
            end = part.end();
        }
        boolean zero = rest.equals("0");
        if (!zero && (end == 0 || end != part.regionEnd())) {
            throw new ComposeException(
                    mark, path + ": '" + text + "' is no duration; write a number and a unit, such as 10s or 1m30s");
        }
        Duration duration =
                Duration.ofNanos(nanos.setScale(0, RoundingMode.DOWN).longValue());
        return negative ? duration.negated() : duration;
    }

    static String print(Duration duration) {
        long nanos = duration.toNanos();
        if (nanos == 0) {
            return "0s";
        }
        if (nanos < 0) {
            return "-" + print(duration.negated());
        }
        if (nanos < 1_000_000_000L) {
            return nanos >= 1_000_000
                    ? decimal(nanos, 1_000_000) + "ms"
                    : nanos >= 1_000 ? decimal(nanos, 1_000) + "µs" : nanos + "ns";
        }
        long minutes = nanos / 60_000_000_000L;
        String seconds = decimal(nanos % 60_000_000_000L, 1_000_000_000) + "s";
        return minutes == 0
                ? seconds
                : minutes < 60 ? minutes + "m" + seconds : minutes / 60 + "h" + minutes % 60 + "m" + seconds;
    }

    private static String decimal(long value, long unit) {
        return BigDecimal.valueOf(value)
                .divide(BigDecimal.valueOf(unit))
                .stripTrailingZeros()
                .toPlainString();
    }
}
