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
    private static final long RETURN_MILLIS = 5000;
    private static final long TICK_MILLIS = 20;

    private AgentStarter() {}

    /** Makes sure of an agent, and says so where it had to start one. */
    static AgentSocket ensure(Folders folders) {
        AgentSocket socket = new AgentSocket(folders);
        boolean another = !AgentFolders.areMine(folders); // whose agent is away for a moment while it is replaced
        if (!socket.answers() && !(another && answers(socket, RETURN_MILLIS))) {
            long pid = start(folders);
            System.err.println(
                    AgentUnit.has(pid)
                            ? "started the agent, rollout.service: pid " + pid
                            : "started an agent in the background: pid " + pid + ", log " + folders.log()
                                    + "; it does not start with the host ('rollout doctor' tells more)");
        }
        return socket;
    }

    /** @return the agent's pid, once it answers */
    static long start(Folders folders) {
        if (!AgentFolders.areMine(folders)) {
            throw new CliException(
                    Exit.UNREACHABLE,
                    "no agent answers at " + folders.socket()
                            + ", and it is another user's to start: 'sudo rollout agent start'");
        }
        if (AgentUnit.isThere(folders)) {
            AgentUnit.start();
        } else {
            startProcess(folders);
        }
        return awaited(folders);
    }

    /** The pid of an agent that comes, once it answers. */
    static long awaited(Folders folders) {
        AgentSocket socket = new AgentSocket(folders);
        if (!answers(socket, PATIENCE_MILLIS)) {
            String holder = OneProcess.holder(folders.state(), "agent")
                    .map(pid -> "; pid " + pid + " has its state folder: if that hangs, end it ('kill " + pid
                            + "'), which harms nothing, and try again")
                    .orElse("");
            throw new CliException(Exit.UNREACHABLE, "the agent does not answer; its log is " + folders.log() + holder);
        }
        return socket.get("/v1/agent").path("pid").asLong();
    }

    private static boolean answers(AgentSocket socket, long millis) {
        long start = System.nanoTime();
        while (!socket.answers()) {
            if ((System.nanoTime() - start) / 1_000_000 > millis) {
                return false;
            }
            try {
                Thread.sleep(TICK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CliException(Exit.INTERRUPTED, "interrupted");
            }
        }
        return true;
    }

    /** Returns when an agent answers, or when one has been coming for long. */
    private static void startProcess(Folders folders) {
        AgentSocket socket = new AgentSocket(folders);
        try {
            Process process = Launcher.start(folders.log(), "agent", "run");
            long start = System.nanoTime();
            while (!answers(socket, TICK_MILLIS) && (System.nanoTime() - start) / 1_000_000 < PATIENCE_MILLIS) {
                if (!process.isAlive() && process.exitValue() == OneProcess.ALREADY) {
                    // another one is coming (somebody else's, who had the same thought) or going: either one answers
                    // soon, or the place is free
                    process = Launcher.start(folders.log(), "agent", "run");
                } else if (!process.isAlive() && process.exitValue() != 0) {
                    throw new CliException(Exit.UNREACHABLE, "the agent did not start:\n" + tail(folders.log()));
                }
            }
        } catch (IOException e) {
            throw new CliException(Exit.UNREACHABLE, "the agent cannot be started: " + e.getMessage());
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
