package dev.rollout.agent.model;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the command line, or undo, says over the file, for one rollout.
 *
 * @param image replaces the service's image
 * @param template replaces what the service's containers are made from
 */
public record Overrides(
        @Nullable String image,
        @Nullable Duration timeout,
        @Nullable Duration drainTimeout,
        @Nullable Duration monitor,
        @Nullable Order order,
        @Nullable Template template) {
    public static final Overrides NONE = new Overrides(null, null, null, null, null, null);
}
