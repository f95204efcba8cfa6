package dev.rollout.agent.model;

import dev.rollout.contract.Mode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How the role is handed over between two instances of a bot or worker.
 *
 * @param signal the doorbell, if any: sent after the rows were written. A hint only: the rows are read soon all the same
 * @param http a doorbell that is rung by a POST, if any
 * @param window how long an event may be delivered again
 */
public record Handover(Mode mode, @Nullable String signal, Readiness.Check.@Nullable Http http, Duration window) {
    static @Nullable Handover of(Tree handover, boolean roleReady) {
        if (!handover.isPresent() && !roleReady) {
            return null;
        }
        return new Handover(
                Mode.of(handover.text("mode", "broadcast")),
                handover.text("signal"),
                handover.at("http").isPresent() ? Readiness.http(handover.at("http")) : null,
                handover.duration("window", Duration.ofMinutes(15)));
    }
}
