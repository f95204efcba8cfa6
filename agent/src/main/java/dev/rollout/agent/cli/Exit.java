package dev.rollout.agent.cli;

/** The exit codes that outside scripts rely on; those of a rollout come from the agent. */
final class Exit {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int UNREACHABLE = 69;
    static final int NOT_ALLOWED = 77;
    static final int INTERRUPTED = 130;

    private Exit() {}
}
