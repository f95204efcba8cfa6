package dev.rollout.agent.model;

/** {@code deploy.update_config.order}. */
public enum Order {
    /** The candidate is ready before the previous is stopped: Rollout's default. */
    START_FIRST,
    /** The previous is stopped first: for two writers that would hurt each other. */
    STOP_FIRST;

    /** @throws IllegalArgumentException if the word is neither */
    public static Order of(String word) {
        return switch (word) {
            case "start-first" -> START_FIRST;
            case "stop-first" -> STOP_FIRST;
            default -> throw new IllegalArgumentException("'" + word + "' is no order; start-first or stop-first");
        };
    }

    public String word() {
        return this == START_FIRST ? "start-first" : "stop-first";
    }
}
