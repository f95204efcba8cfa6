package dev.rollout.lib;

/** The answer to "may I handle this event?": four outcomes, never two, since an error is not a lost race. */
public sealed interface Claim {
    /**
     * Yours: handle it.
     *
     * @param generation with {@code attempt}, the fencing token
     */
    record Claimed(long generation, long attempt) implements Claim {}

    /** Another instance has it: skip it. */
    record Lost() implements Claim {}

    /** This instance is retired: stop taking events. */
    record Fenced() implements Claim {}

    /** The store could not say (busy, full, gone); {@link OnUnavailable} tells what to do. */
    record Unavailable(Exception cause) implements Claim {}
}
