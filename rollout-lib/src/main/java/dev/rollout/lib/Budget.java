package dev.rollout.lib;

import java.time.Duration;

/**
 * A number of things that all instances together may do in any window of time, over restarts and rollouts: the 1000
 * logins a day after which Discord resets a bot's token, the one login in 5 seconds. Each unit is a claim under a lease
 * as long as the window: it comes back by itself.
 */
public final class Budget {
    /** The answer to {@link #spend}. */
    public enum Spending {
        /** One unit is this instance's: go on. */
        SPENT,
        /** All units of the window are spent: wait, or give up. */
        EXHAUSTED,
        /** This instance is retired: it has nothing to log in for. */
        FENCED,
        /** The store could not say. */
        UNAVAILABLE
    }

    private final Rollout rollout;
    private final String name;
    private final int limit;
    private final Duration window;
    private int next;

    Budget(Rollout rollout, String name, int limit, Duration window) {
        if (limit < 1) {
            throw new IllegalArgumentException("a budget has at least one unit: " + limit);
        }
        this.rollout = rollout;
        this.name = name;
        this.limit = limit;
        this.window = window;
    }

    /** Spends one unit, if one is left. */
    public synchronized Spending spend() {
        for (int tried = 0; tried < limit; tried++) {
            Claim claim = rollout.lease("budget:" + name + ":" + next, window);
            next = (next + 1) % limit;
            if (claim instanceof Claim.Claimed) {
                return Spending.SPENT;
            } else if (claim instanceof Claim.Fenced) {
                return Spending.FENCED;
            } else if (claim instanceof Claim.Unavailable) {
                return Spending.UNAVAILABLE;
            }
        }
        return Spending.EXHAUSTED;
    }
}
