package dev.rollout.agent;

import dev.rollout.agent.cli.Cli;
import dev.rollout.agent.gateway.GatewayProcess;
import java.util.Map;

/** The program. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        // the agent's classes are loaded by "agent run" alone: the command line starts fast
        int exit = Cli.run(
                args,
                Map.of(
                        "agent run", folders -> AgentProcess.run(folders),
                        "gateway run", folders -> GatewayProcess.run(folders),
                        "gateway take-over", folders -> GatewayProcess.takeOver(folders)));
        System.out.flush();
        Runtime.getRuntime().halt(exit); // System.exit would look through every jar for somebody to log it
    }
}
