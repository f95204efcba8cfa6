package dev.rollout.agent.cli;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.wire.Launcher;
import dev.rollout.agent.wire.OneProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Starts an agent in the background, where none answers. */
final class AgentStarter {
    private static final long PATIENCE_MILLIS = 20_000;
    private static final long TICK_MILLIS = 20;

    private AgentStarter() {}

    /** Makes sure of an agent, and says so where it had to start one. */
    static AgentSocket ensure(Folders folders) {
        AgentSocket socket = new AgentSocket(folders);
        if (!socket.answers()) {
            long pid = start(folders);
            System.err.println("started an agent in the background: pid " + pid + ", log " + folders.log());
        }
        return socket;
    }

    /** @return the agent's pid, once it answers */
    static long start(Folders folders) {
        AgentSocket socket = new AgentSocket(folders);
        try {
            Process process = Launcher.start(folders.log(), "agent", "run");
            long start = System.nanoTime();
            while (!socket.answers()) {
                if (!process.isAlive() && process.exitValue() == OneProcess.ALREADY) {
                    // another one is coming (somebody else's, who had the same thought) or going: either one answers
                    // soon, or the place is free
                    process = Launcher.start(folders.log(), "agent", "run");
                } else if (!process.isAlive() && process.exitValue() != 0) {
                    throw new CliException(Exit.UNREACHABLE, "the agent did not start:\n" + tail(folders.log()));
                }
                if ((System.nanoTime() - start) / 1_000_000 > PATIENCE_MILLIS) {
                    throw new CliException(Exit.UNREACHABLE, "the agent does not answer; its log is " + folders.log());
                }
                Thread.sleep(TICK_MILLIS);
            }
            return socket.get("/v1/agent").path("pid").asLong();
        } catch (IOException e) {
            throw new CliException(Exit.UNREACHABLE, "the agent cannot be started: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException(Exit.INTERRUPTED, "interrupted");
        }
    }

    static String tail(Path log) {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 10), lines.size()));
        } catch (IOException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }
}
