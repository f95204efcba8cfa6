package dev.rollout.contract;

import java.sql.SQLException;
import java.util.OptionalLong;

/**
 * Where the claims of one service are: who won the right to handle which event.
 *
 * <p>Every answer is the store's own and atomic. A store that cannot say throws; it never answers "lost" for an error,
 * which would drop the event in every instance.
 */
public interface ClaimStore extends AutoCloseable {
    /** A lease that never ends: at most once, or done. */
    long FOREVER = Long.MAX_VALUE;

    /**
     * The answer to a claim.
     *
     * @param attempt 1 or more where the claim is won: how often the event was won so far
     * @param fenced the caller's generation is below the fence
     * @param heldMillis where lost: for how long the holder's lease goes on, or {@link #FOREVER}
     */
    record Answer(long attempt, boolean fenced, long heldMillis) {
        public static Answer won(long attempt) {
            return new Answer(attempt, false, 0);
        }

        public static Answer lost(long heldMillis) {
            return new Answer(0, false, Math.max(0, heldMillis));
        }

        public static final Answer FENCED = new Answer(0, true, FOREVER);
    }

    /**
     * Claims an event: wins it where nobody has it, or its holder's lease is over.
     *
     * @param eventId 1 to 128 bytes
     * @param leaseMillis from now by the store's clock, or {@link #FOREVER}
     */
    Answer claim(String eventId, long generation, long leaseMillis) throws SQLException;

    /** Makes the lease end that much from now. False: the token is stale, another has the event. */
    boolean renew(Token token, long leaseMillis) throws SQLException;

    /** Marks the event as done: nobody wins it again in the dedupe window. False: the token is stale. */
    default boolean complete(Token token) throws SQLException {
        return renew(token, FOREVER);
    }

    /** Gives the event back, so that any instance may win it at once. False: the token is stale. */
    boolean release(Token token) throws SQLException;

    /** The generation that won the event; empty where none did, or one below the fence. */
    OptionalLong holder(String eventId) throws SQLException;

    /** Raises the fence: no generation below it wins anything more. Never lowers it. */
    void fence(long minGeneration) throws SQLException;

    /** One step of pruning: how many claims it has forgotten, and whether another step may find more. */
    record Pruned(int claims, boolean more) {}

    /** Forgets claims that are older than the dedupe window and not under a lease: a few at a time. */
    Pruned prune(long windowMillis) throws SQLException;

    /** Calls the bell when a claim was given back somewhere: a hint to ask again, that may be late, lost or needless. */
    default void listen(Runnable bell) throws SQLException {}

    @Override
    void close() throws SQLException;
}
