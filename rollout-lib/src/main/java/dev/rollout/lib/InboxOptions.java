package dev.rollout.lib;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an inbox keeps and handles events.
 *
 * @param onUnavailable what to do with an event when the store cannot say whose it is
 * @param capacity events kept at most; one more drops the oldest, which is counted in {@link Inbox#overflowed()}
 * @param window how long an event is kept: longer than a hand-over takes
 * @param lease null: at most once, an event whose handler dies is not handled again; else at least once: another
 *     instance takes it over that long after the last sign of life
 */
public record InboxOptions(
        OnUnavailable onUnavailable,
        int capacity,
        Duration window,
        @Nullable Duration lease) {
    /** At most once, 30 s of events, 100,000 at most; handles without the store if active. */
    public static final InboxOptions DEFAULT =
            new InboxOptions(OnUnavailable.PROCEED_IF_ACTIVE, 100_000, Duration.ofSeconds(30), null);

    /** @throws IllegalArgumentException where a number makes no sense */
    public InboxOptions {
        if (capacity < 1 || window.isNegative()) {
            throw new IllegalArgumentException(
                    "an inbox keeps at least one event, for no negative time: " + capacity + " events, " + window);
        }
        if (lease != null) {
            Claims.millis(lease);
        }
    }

    /** These options with another answer to a store that cannot say. */
    public InboxOptions with(OnUnavailable policy) {
        return new InboxOptions(policy, capacity, window, lease);
    }

    /** These options with other bounds. */
    public InboxOptions keeping(int events, Duration time) {
        return new InboxOptions(onUnavailable, events, time, lease);
    }

    /** These options, and events handled at least once, under a lease that is renewed while the handler runs. */
    public InboxOptions leased(Duration time) {
        return new InboxOptions(onUnavailable, capacity, window, time);
    }
}
