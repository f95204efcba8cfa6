package dev.rollout.agent.model;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as the command line and the canonical model write them: {@code 30s}, {@code 1m30s}, or bare seconds. */
public final class Durations {
    private static final Pattern PART = Pattern.compile("(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s|m|h)");

    private Durations() {}

    /** @throws IllegalArgumentException with a sentence */
    public static Duration parse(String text) {
        if (text.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(text));
        }
        Matcher part = PART.matcher(text);
        double nanos = 0;
        int end = 0;
        while (part.find() && part.start() == end) {
            nanos += Double.parseDouble(part.group(1))
                    * switch (part.group(2)) {
                        case "h" -> 3600e9;
                        case "m" -> 60e9;
                        case "s" -> 1e9;
                        case "ms" -> 1e6;
                        case "ns" -> 1;
                        default -> 1e3;
                    };
            end = part.end();
        }
        if (end == 0 || end != text.length()) {
            throw new IllegalArgumentException("'" + text + "' is no duration; write 30s, 1m30s or bare seconds");
        }
        return Duration.ofNanos((long) nanos);
    }

    /** For people: {@code 850 ms}, {@code 2.4 s}, {@code 3m10s}. */
    public static String words(Duration duration) {
        long millis = duration.toMillis();
        if (millis < 1000) {
            return millis + " ms";
        }
        return millis < 60_000
                ? String.format(java.util.Locale.ROOT, "%.1f s", millis / 1000.0)
                : millis / 60_000 + "m" + millis % 60_000 / 1000 + "s";
    }
}
