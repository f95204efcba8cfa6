package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.Token;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/** One instance's claims in a store: ids checked, errors told apart from lost races. */
final class Claims {
    private static final int MAX_BYTES = 128;
    /** How soon to ask again for a follow-up that another owns: until it is done, or its owner fenced. */
    static final long AFFINITY_MILLIS = 200;

    private final ClaimStore store;
    private final LongSupplier generation;

    /** @param generation the one to claim with, asked at every claim */
    Claims(ClaimStore store, LongSupplier generation) {
        this.store = store;
        this.generation = generation;
    }

    static long millis(Duration lease) {
        if (lease.isNegative() || lease.isZero() || lease.compareTo(Duration.ofDays(365)) > 0) {
            throw new IllegalArgumentException("a lease is more than nothing and at most a year: " + lease);
        }
        return Math.max(1, lease.toMillis());
    }

    Claim claim(String eventId, long leaseMillis) {
        check(eventId);
        try {
            long mine = generation.getAsLong();
            ClaimStore.Answer answer = store.claim(eventId, mine, leaseMillis);
            if (answer.attempt() > 0) {
                return new Claim.Claimed(new Token(eventId, mine, answer.attempt()));
            }
            return answer.fenced() ? new Claim.Fenced() : new Claim.Lost(answer.heldMillis());
        } catch (SQLException e) {
            return new Claim.Unavailable(e);
        }
    }

    /** Whether nobody, or this generation, owns the key; a store that cannot say leaves that to the claim. */
    boolean mayFollowUp(String key) {
        try {
            OptionalLong owner = store.holder(affinity(key));
            return owner.isEmpty() || owner.getAsLong() == generation.getAsLong();
        } catch (SQLException e) {
            return true;
        }
    }

    Claim own(String key) {
        return claim(affinity(key), ClaimStore.FOREVER);
    }

    /** Whether another generation has won the event; false where the store cannot say. */
    boolean wonByAnother(String eventId) {
        try {
            OptionalLong winner = store.holder(eventId);
            return winner.isPresent() && winner.getAsLong() != generation.getAsLong();
        } catch (SQLException e) {
            return false;
        }
    }

    boolean owns(String key) {
        try {
            OptionalLong owner = store.holder(affinity(key));
            return owner.isPresent() && owner.getAsLong() == generation.getAsLong();
        } catch (SQLException e) {
            return false;
        }
    }

    private static String affinity(String key) {
        return "affinity:" + key;
    }

    Hold renew(Token token, long leaseMillis) {
        return hold(() -> store.renew(token, leaseMillis));
    }

    Hold complete(Token token) {
        return hold(() -> store.complete(token));
    }

    Hold release(Token token) {
        return hold(() -> store.release(token));
    }

    private interface Change {
        boolean make() throws SQLException;
    }

    private static Hold hold(Change change) {
        try {
            return change.make() ? Hold.KEPT : Hold.STALE;
        } catch (SQLException e) {
            return Hold.UNAVAILABLE;
        }
    }

    private static void check(String eventId) {
        boolean fits = !eventId.isEmpty()
                && eventId.length() <= MAX_BYTES
                && (eventId.length() * 3 <= MAX_BYTES || eventId.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES);
        if (!fits || eventId.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "an event id has 1 to " + MAX_BYTES + " bytes, and no zero byte: " + eventId);
        }
    }
}
