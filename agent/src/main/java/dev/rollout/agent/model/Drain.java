package dev.rollout.agent.model;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the previous finishes what it has begun.
 *
 * @param timeout the most that is waited
 * @param exec a command in the previous that starts the drain
 * @param signal a signal that starts it
 * @param pause how long to wait after either
 */
public record Drain(
        Duration timeout, List<String> exec, @Nullable String signal, Duration pause) {
    static Drain of(Tree drain) {
        return new Drain(
                drain.duration("timeout", Duration.ofSeconds(30)),
                drain.texts("exec"),
                drain.text("signal"),
                drain.duration("wait", Duration.ZERO));
    }
}
