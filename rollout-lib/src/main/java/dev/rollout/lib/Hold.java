package dev.rollout.lib;

/** What became of a claim that was won: the answer to renew, complete and release. */
public enum Hold {
    /** It was this holder's still, and the change is written. */
    KEPT,
    /** Its lease was over and another won it: nothing was changed. What the other does, it does by right. */
    STALE,
    /** The store could not say. */
    UNAVAILABLE
}
