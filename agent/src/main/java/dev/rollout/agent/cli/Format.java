package dev.rollout.agent.cli;

/** {@code --format}. */
enum Format {
    TABLE,
    JSON
}
