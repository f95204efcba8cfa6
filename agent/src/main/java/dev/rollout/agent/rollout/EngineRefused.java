package dev.rollout.agent.rollout;

/** The daemon said no. */
public final class EngineRefused extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int status;

    /** @param status the HTTP status of the answer; 0 where it was refused before it was asked */
    public EngineRefused(int status, String message) {
        super(message);
        this.status = status;
    }

    public int status() {
        return status;
    }
}
