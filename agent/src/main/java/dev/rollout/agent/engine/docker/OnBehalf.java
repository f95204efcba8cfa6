package dev.rollout.agent.engine.docker;

import dev.rollout.agent.rollout.Asker;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Programs that run for whoever asked: with that user's environment and rights, and on this agent's daemon.
 *
 * @param own the agent's environment
 */
record OnBehalf(Asker asker, Map<String, String> own, URI daemon) {
    private Map<String, String> environment() {
        return asker.environment().isEmpty() ? own : asker.environment();
    }

    ProcessBuilder process(List<String> command) {
        List<String> words = new ArrayList<>();
        words.add("env"); // looks in their PATH
        if (asker.another()) {
            words.addAll(
                    List.of("setpriv", "--reuid=" + asker.user(), "--regid=" + asker.group(), "--init-groups", "--"));
        }
        words.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().clear();
        builder.environment().putAll(environment());
        builder.environment().put("DOCKER_HOST", daemon.toString());
        return builder;
    }

    /** What {@code docker login} has written. */
    Path dockerConfig() {
        String folder = environment().get("DOCKER_CONFIG");
        String home = environment().getOrDefault("HOME", System.getProperty("user.home"));
        return (folder == null ? Path.of(home, ".docker") : Path.of(folder)).resolve("config.json");
    }
}
