package dev.rollout.agent.rollout;

/** A rollout that was not begun, since it cannot be done as asked. Nothing was started. */
public final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Whose fault it is. */
    public enum Why {
        /** The file or the command line. */
        USAGE,
        /** The host: not enough memory, an image that cannot be had. */
        HOST
    }

    private final Why why;

    public Refused(Why why, String message) {
        super(message);
        this.why = why;
    }

    public Why why() {
        return why;
    }
}
