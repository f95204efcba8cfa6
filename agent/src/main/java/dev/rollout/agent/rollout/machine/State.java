package dev.rollout.agent.rollout.machine;

import dev.rollout.agent.model.FailureAction;
import dev.rollout.agent.model.Order;

/**
 * A rollout's state: a fold over its events, nothing else.
 *
 * @param batch the batch at work, from 0
 * @param batches how many there are
 * @param failedBatches batches that were restored and passed over
 */
public record State(
        Phase phase,
        Order order,
        FailureAction failureAction,
        double maxFailureRatio,
        int batch,
        int batches,
        int failedBatches) {

    public static State planned(Order order, FailureAction failureAction, double maxFailureRatio, int batches) {
        return new State(Phase.PLANNED, order, failureAction, maxFailureRatio, 0, batches, 0);
    }

    boolean last() {
        return batch + 1 >= batches;
    }

    boolean first() {
        return batch == 0;
    }

    boolean someFailed() {
        return failedBatches > 0;
    }

    /** Whether one more failed batch is within what the policy tolerates. */
    boolean tolerable() {
        return failureAction == FailureAction.CONTINUE || (failedBatches + 1.0) / batches <= maxFailureRatio;
    }

    State to(Phase next) {
        boolean another = phase == Phase.PACING && !next.terminal() && next != Phase.ROLLING_BACK;
        boolean failed = next == Phase.RESTORING_BATCH && phase != Phase.RESTORING_BATCH;
        return new State(
                next,
                order,
                failureAction,
                maxFailureRatio,
                another ? batch + 1 : batch,
                batches,
                failed ? failedBatches + 1 : failedBatches);
    }
}
