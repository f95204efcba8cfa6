package dev.rollout.sidecar;

import java.time.Duration;

/** Durations as Rollout writes them: {@code 100ms}, {@code 10s}, {@code 1m}, or bare seconds. */
final class Durations {
    private Durations() {}

    static Duration parse(String text) {
        try {
            if (text.endsWith("ms")) {
                return Duration.ofMillis(Long.parseLong(text.substring(0, text.length() - 2)));
            } else if (text.endsWith("s")) {
                return Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)));
            } else if (text.endsWith("m")) {
                return Duration.ofMinutes(Long.parseLong(text.substring(0, text.length() - 1)));
            }
            return Duration.ofSeconds(Long.parseLong(text));
        } catch (NumberFormatException | ArithmeticException e) {
            throw new IllegalArgumentException("'" + text + "' is no duration: 500ms, 10s, 1m");
        }
    }
}
