package dev.rollout.agent.model;

/** What to do where the host has not enough memory for two instances. */
public enum MemoryCheck {
    REFUSE,
    WARN,
    OFF
}
