package dev.rollout.agent.rollout;

/** The daemon said no, or what is done for it could not be done. */
public final class EngineRefused extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int status;

    /** @param status the HTTP status of the Engine's answer; 0 where it was not the Engine that refused: the message says who */
    public EngineRefused(int status, String message) {
        super(message);
        this.status = status;
    }

    public int status() {
        return status;
    }
}
