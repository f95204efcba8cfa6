package dev.rollout.agent.compose;

import org.jspecify.annotations.Nullable;

/** The user's files cannot be used as they are. The message is complete: where, what, and what to do. */
public final class ComposeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ComposeException(@Nullable Mark mark, String message) {
        super(mark == null ? message : mark + ": " + message);
    }
}
