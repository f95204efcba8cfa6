package dev.rollout.agent.rollout.machine;

/** What ends a phase. */
public enum Event {
    BEGUN,
    CANDIDATE_STARTED,
    CANDIDATE_READY,
    PROMOTED,
    DRAINED,
    MONITOR_ELAPSED,
    RETIRED,
    DELAY_ELAPSED,
    SETTLED,
    CANDIDATE_FAILED,
    ABORT_REQUESTED,
    RESTORED,
    RESTORE_FAILED
}
