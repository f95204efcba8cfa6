package dev.rollout.agent.model;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How old an image may be before it is pulled anew: the {@code pull_policy} daily, weekly, or every_ and a time (3d12h). */
public final class PullInterval {
    private static final Pattern EVERY =
            Pattern.compile("every_(?:(\\d{1,9})w)?(?:(\\d{1,9})d)?(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,9})s)?");
    private static final long[] SECONDS = {7 * 86_400, 86_400, 3600, 60, 1};

    private PullInterval() {}

    /** Empty for a policy that has none. */
    public static Optional<Duration> of(String policy) {
        if (policy.equals("daily") || policy.equals("weekly")) {
            return Optional.of(Duration.ofDays(policy.equals("daily") ? 1 : 7));
        }
        Matcher every = EVERY.matcher(policy);
        if (!every.matches() || policy.equals("every_")) {
            return Optional.empty();
        }
        long sum = 0;
        for (int i = 0; i < SECONDS.length; i++) {
            sum += every.group(i + 1) == null ? 0 : Long.parseLong(every.group(i + 1)) * SECONDS[i];
        }
        return Optional.of(Duration.ofSeconds(sum));
    }
}
