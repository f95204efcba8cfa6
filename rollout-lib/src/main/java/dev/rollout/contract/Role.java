package dev.rollout.contract;

/** What an instance may do. The order is the order of a life: a role only ever moves to the right, or from draining back to active on a rollback. */
public enum Role {
    /** Started, not yet joined. */
    STARTING,
    /** Connected and ready, but another instance acts. Keeps events, handles none. */
    STANDBY,
    /** The one that acts. */
    ACTIVE,
    /** Takes nothing new, finishes what is in flight. */
    DRAINING,
    /** Retired: never acts again. */
    STOPPED
}
