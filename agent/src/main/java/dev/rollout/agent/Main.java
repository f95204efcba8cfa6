package dev.rollout.agent;

import dev.rollout.agent.cli.Cli;
import dev.rollout.agent.gateway.GatewayProcess;

/** The program. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        // the agent's classes are loaded by "agent run" alone: the command line starts fast
        System.exit(Cli.run(args, folders -> AgentProcess.run(folders), folders -> GatewayProcess.run(folders)));
    }
}
