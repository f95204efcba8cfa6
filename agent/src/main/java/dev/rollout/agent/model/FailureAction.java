package dev.rollout.agent.model;

/** {@code deploy.update_config.failure_action}. Compose's default is pause; here it is rollback, and the plan says so. */
public enum FailureAction {
    ROLLBACK,
    PAUSE,
    CONTINUE
}
