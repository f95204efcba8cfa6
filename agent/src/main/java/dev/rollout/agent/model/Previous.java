package dev.rollout.agent.model;

/**
 * A container that a rollout replaces, as it was when the rollout was planned.
 *
 * @param rollout the id of the rollout that made it; empty where Rollout did not
 */
public record Previous(
        String id,
        String name,
        int slot,
        long generation,
        String rollout,
        String imageId,
        boolean running,
        RestartPolicy restart) {}
