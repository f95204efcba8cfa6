package dev.rollout.agent.cli;

/** {@code --format}. */
enum Format {
    TABLE,
    JSON;

    static Format of(Line line) {
        return line.choice("format", TABLE);
    }
}
