package dev.rollout.agent.model;

/** A Compose service on this host. */
public record ServiceKey(String project, String service) {
    @Override
    public String toString() {
        return project + "/" + service;
    }
}
