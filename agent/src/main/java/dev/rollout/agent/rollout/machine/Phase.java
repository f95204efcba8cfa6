package dev.rollout.agent.rollout.machine;

/** Where a rollout is. Every phase that does not end it has exactly one action, which is done again after a crash. */
public enum Phase {
    PLANNED("begin"),
    STARTING("start the candidates"),
    PROBING("probe until the deadline"),
    PROMOTING("switch traffic, hand the role over"),
    DRAINING("drain the previous"),
    MONITORING("watch the candidates"),
    RETIRING("stop the previous"),
    PACING("wait before the next batch"),
    SETTLING("remove what is not needed any more"),
    RESTORING_BATCH("restore this batch, go on"),
    HALTING("restore this batch, stop here"),
    ROLLING_BACK("restore everything"),
    COMPLETED(null),
    ROLLED_BACK(null),
    PAUSED(null),
    STUCK(null);

    private final @org.jspecify.annotations.Nullable String action;

    Phase(@org.jspecify.annotations.Nullable String action) {
        this.action = action;
    }

    /** True where the rollout is over. */
    public boolean terminal() {
        return action == null;
    }

    /** What is done in this phase, in words. */
    public String action() {
        return action == null ? "–" : action;
    }
}
