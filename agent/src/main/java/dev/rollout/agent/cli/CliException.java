package dev.rollout.agent.cli;

/** Ends the command with a message on stderr and an exit code. */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int exit;

    CliException(int exit, String message) {
        super(message);
        this.exit = exit;
    }

    int exit() {
        return exit;
    }
}
