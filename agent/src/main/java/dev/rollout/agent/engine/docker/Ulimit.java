package dev.rollout.agent.engine.docker;

import dev.rollout.agent.model.Tree;
import org.jspecify.annotations.Nullable;

/** A limit of the canonical model: one number for both, or a soft and a hard one. */
record Ulimit(long soft, long hard) {
    static Ulimit of(@Nullable Object value) {
        return value instanceof Number both
                ? new Ulimit(both.longValue(), both.longValue())
                : new Ulimit(new Tree(value).whole("soft", 0), new Tree(value).whole("hard", 0));
    }
}
