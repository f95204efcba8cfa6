package dev.rollout.agent.rollout;

/** The state folder's disk is full: nothing more can be promised. */
public final class JournalFull extends RuntimeException {
    private static final long serialVersionUID = 1;

    public JournalFull(String message, Throwable cause) {
        super(message, cause);
    }
}
