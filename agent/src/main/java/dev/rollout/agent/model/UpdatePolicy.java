package dev.rollout.agent.model;

import java.time.Duration;
import java.util.Locale;

/**
 * How instances are replaced: Compose's {@code deploy.update_config}.
 *
 * @param parallelism instances replaced at once; 0 is all
 * @param delay between two batches
 * @param monitor how long a promoted candidate is watched before the previous is stopped
 * @param maxFailureRatio failed instances that are tolerated, 0 to 1
 */
public record UpdatePolicy(
        int parallelism,
        Duration delay,
        Order order,
        FailureAction failureAction,
        Duration monitor,
        double maxFailureRatio) {

    /** @param usual where the file does not say it */
    static UpdatePolicy of(Tree config, Order usual) {
        return new UpdatePolicy(
                config.integer("parallelism", 1),
                config.duration("delay", Duration.ZERO),
                Order.of(config.text("order", usual.word())),
                FailureAction.valueOf(config.text("failure_action", "rollback").toUpperCase(Locale.ROOT)),
                config.duration("monitor", Duration.ZERO),
                config.number("max_failure_ratio", 0));
    }
}
