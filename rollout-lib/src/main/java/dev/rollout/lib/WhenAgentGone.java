package dev.rollout.lib;

/** What a ready standby does where the active instance is dead and no agent is there to say who is next. */
public enum WhenAgentGone {
    /** Nothing acts until the agent is back: said in the log. */
    WAIT,
    /**
     * One ready standby makes itself the active one, 15 s after the last sign of life of both. The agent that comes
     * back takes it as it is.
     */
    PROMOTE
}
