package dev.rollout.agent.rollout;

/** The daemon does not answer: ask again later, nothing is known about the last call. */
public final class EngineUnavailable extends RuntimeException {
    private static final long serialVersionUID = 1;

    public EngineUnavailable(String message, Throwable cause) {
        super(message, cause);
    }
}
