package dev.rollout.agent.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One container of a service, as the Engine shows it.
 *
 * @param slot Compose's container number
 * @param generation 0 where Rollout did not make it
 * @param rollout the id of the rollout that made it; empty where Rollout did not
 * @param agent the agent that made it
 * @param configHash Compose's label
 * @param createdAt seconds since the epoch
 * @param hostPorts what Docker publishes of it on the host
 */
public record Instance(
        String id,
        String name,
        int slot,
        long generation,
        String rollout,
        String agent,
        String configHash,
        String imageId,
        String image,
        State state,
        @Nullable String address,
        long createdAt,
        List<HostPort> hostPorts) {

    /** @param target the port in the container; where it has not been started, 0 may stand for what Docker will choose */
    public record HostPort(int number, int target) {}

    /** The Engine's state, as far as it matters here. */
    public enum State {
        CREATED,
        RUNNING,
        RESTARTING,
        PAUSED,
        EXITED
    }

    /** Whether Docker publishes ports of it. */
    public boolean published() {
        return !hostPorts.isEmpty();
    }

    public boolean running() {
        return state == State.RUNNING;
    }

    /** Whether it may act, now or by itself in a moment. */
    public boolean up() {
        return state == State.RUNNING || state == State.RESTARTING || state == State.PAUSED;
    }

    /** Twelve digits, as docker ps shows it. */
    public String shortId() {
        return id.substring(0, Math.min(12, id.length()));
    }
}
