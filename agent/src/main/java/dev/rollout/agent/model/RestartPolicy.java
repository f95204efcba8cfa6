package dev.rollout.agent.model;

/** What the Engine does when a container exits, or the host starts. */
public record RestartPolicy(String name, int maximumRetries) {
    public static final RestartPolicy NO = new RestartPolicy("no", 0);
}
