package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.Folders;
import java.io.IOException;

/** Follows a rollout to its end. The rollout does not need its watcher: he may go, and come again. */
final class Follow {
    private static final int RECONNECTS = 100;
    private static final long RECONNECT_MILLIS = 100;

    private final AgentSocket agent;
    private final Folders folders;
    private final Progress progress;
    private long seen;
    private int exit = -1;

    Follow(AgentSocket agent, Folders folders, Progress progress) {
        this.agent = agent;
        this.folders = folders;
        this.progress = progress;
    }

    /** @return the exit code that the rollout ended with */
    int follow(String id, String service) {
        Thread hook = new Thread(() -> {
            progress.close();
            System.err.println("\nthe rollout goes on; follow it with 'rollout attach " + id
                    + "', end it with 'rollout abort " + id + "'");
            Runtime.getRuntime().halt(Exit.INTERRUPTED);
        });
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            for (int attempt = 0; attempt < RECONNECTS; attempt++) {
                try {
                    if (agent.events("/v1/rollouts/" + id + "/events", seen, event -> take(event, id, service))) {
                        return exit;
                    }
                } catch (IOException e) {
                    // the agent is away: a new one resumes the rollout, and this goes on behind what was seen
                    restart();
                }
                sleep();
            }
            throw new CliException(
                    Exit.UNREACHABLE, "the agent does not come back; 'rollout agent start' resumes the rollout " + id);
        } finally {
            progress.close();
            removeHook(hook);
        }
    }

    private void restart() {
        if (!agent.answers() && AgentFolders.areMine(folders)) { // else its owner's service manager does
            System.err.println("the agent is gone; starting one that resumes the rollout");
            AgentStarter.start(folders);
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the hook is what ends us
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(RECONNECT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean take(JsonNode event, String id, String service) {
        seen = event.path("seq").asLong();
        progress.take(id, service, event);
        if (event.path("kind").asText().equals("end")) {
            exit = event.path("details").path("exit").asInt(Exit.FAILED);
            return true;
        }
        return false;
    }
}
