package dev.rollout.agent.model;

/** A container that a rollout replaces, as it was when the rollout was planned. */
public record Previous(
        String id, String name, int slot, long generation, String imageId, boolean running, RestartPolicy restart) {}
