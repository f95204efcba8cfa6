package dev.rollout.agent.rollout;

/** Somebody asked to end the rollout while a step was waiting. */
final class Aborted extends RuntimeException {
    private static final long serialVersionUID = 1;
}
