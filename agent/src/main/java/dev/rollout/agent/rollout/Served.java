package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.ServiceSpec;

/** An instance that clients are led to, and what it was made from: another version may listen on other ports. */
public record Served(Instance instance, ServiceSpec spec) {}
