package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.Token;

/** The answer to "may I handle this event?": four outcomes, never two, since an error is not a lost race. */
public sealed interface Claim {
    /**
     * Yours: handle it.
     *
     * @param token names the claim to {@link Rollout#renew}, {@link Rollout#complete} and {@link Rollout#release}
     */
    record Claimed(Token token) implements Claim {}

    /**
     * Another instance has it: skip it.
     *
     * @param heldMillis for how long at least, in milliseconds: a lease that is not completed may be won after it;
     *     {@link ClaimStore#FOREVER} where nobody will
     */
    record Lost(long heldMillis) implements Claim {
        /** True where the event may come free again: its holder has a lease, and has not completed. */
        public boolean mayComeFree() {
            return heldMillis != ClaimStore.FOREVER;
        }
    }

    /** This instance is retired: stop taking events. */
    record Fenced() implements Claim {}

    /** The store could not say (busy, full, gone); {@link OnUnavailable} tells what to do. */
    record Unavailable(Exception cause) implements Claim {}
}
