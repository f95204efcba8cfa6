package dev.rollout.agent.rollout;

import dev.rollout.agent.time.Waiter;
import java.time.InstantSource;

/** Everything that a rollout acts through. */
public record Ports(
        ContainerEngine engine,
        RoleKeeper roles,
        ReadinessProbe probe,
        TrafficSwitch traffic,
        Journal journal,
        Waiter waiter,
        InstantSource clock) {}
