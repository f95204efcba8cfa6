package dev.rollout.contract;

import org.jspecify.annotations.Nullable;

/**
 * The scope row: who may act for a service.
 *
 * @param active instance id of the active instance; null while nobody is (an exclusive hand-over in the middle)
 * @param generation grows with every hand-over
 * @param minGeneration the fence: an instance below it never acts
 */
public record Scope(Mode mode, @Nullable String active, long generation, long minGeneration) {

    /** What this row means for an instance of the given generation that has been active or not. */
    public Role roleOf(String instance, long ownGeneration, boolean wasActive, boolean toldToDrain) {
        if (instance.equals(active)) {
            return Role.ACTIVE;
        }
        if (ownGeneration < minGeneration) {
            return Role.STOPPED;
        }
        if (mode == Mode.COMPETING) {
            return toldToDrain ? Role.DRAINING : Role.ACTIVE;
        }
        return wasActive || ownGeneration < generation ? Role.DRAINING : Role.STANDBY;
    }

    /** The generation to claim with: an instance that was made active again (a rollback) acts under the newer one. */
    public long generationOf(String instance, long ownGeneration) {
        return instance.equals(active) ? Math.max(generation, ownGeneration) : ownGeneration;
    }
}
