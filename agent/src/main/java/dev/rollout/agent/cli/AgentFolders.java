package dev.rollout.agent.cli;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.wire.DockerHost;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.stream.Stream;

/** Where the agent is that a user's commands go to. */
final class AgentFolders {
    private AgentFolders() {}

    /**
     * The user's own where the environment names it or one lives there; else root's, living or not, where that one is for the
     * same Engine and lets the user in: two agents of one Engine would not know of each other's rollouts, ports and claims.
     */
    static Folders of(Map<String, String> environment) {
        Folders own = Folders.of(environment);
        Folders host = Folders.OF_HOST;
        boolean named = Stream.of("ROLLOUT_STATE_DIR", "ROLLOUT_RUNTIME_DIR", "ROLLOUT_SHM_DIR")
                .anyMatch(environment::containsKey);
        if (Folders.byRoot() || named || !Files.isReadable(host.engine()) || new AgentSocket(own).answers()) {
            return own;
        }
        try {
            DockerHost its = DockerHost.of(Files.readString(host.engine()));
            return its.same(engine(environment)) ? host : own;
        } catch (IOException e) {
            return own; // it has just ended for good
        }
    }

    /** Whether this user may start, stop and replace the agent there. */
    static boolean areMine(Folders folders) {
        return !Files.exists(folders.state()) || Files.isWritable(folders.state());
    }

    /** The Engine that the user's docker commands go to. */
    static DockerHost engine(Map<String, String> environment) {
        try {
            return DockerHost.find(environment);
        } catch (IllegalArgumentException e) {
            throw new CliException(Exit.USAGE, String.valueOf(e.getMessage()));
        }
    }
}
