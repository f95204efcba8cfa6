package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.wire.DockerHost;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What all verbs have: the agent, and how to print. */
abstract class Verb {
    private @Nullable Folders folders;

    /** What it takes. */
    abstract Syntax syntax();

    /** Does it. The exit code. */
    abstract int run(Line line) throws Exception;

    final Folders folders() {
        return folders == null ? folders = AgentFolders.of(System.getenv()) : folders;
    }

    /** An agent that answers already. */
    final AgentSocket agent() {
        return new AgentSocket(folders());
    }

    /** An agent, started if need be. */
    final AgentSocket ensuredAgent() {
        AgentSocket agent = AgentStarter.ensure(folders());
        DockerHost engine = AgentFolders.engine(System.getenv());
        if (!agent.speaksTo(engine)) {
            throw new CliException(
                    Exit.USAGE,
                    "your Docker commands go to " + engine.uri() + ", the agent at "
                            + folders().socket()
                            + " speaks to "
                            + agent.get("/v1/agent").path("engine").asText()
                            + "; nothing was started. Change DOCKER_HOST or the Docker context, or name folders for another"
                            + " agent: ROLLOUT_STATE_DIR, ROLLOUT_RUNTIME_DIR, ROLLOUT_SHM_DIR");
        }
        return agent;
    }

    /** Who asks, for the history. */
    static String by() {
        String actor = System.getenv("GITHUB_ACTOR");
        return actor == null
                ? System.getProperty("user.name")
                : actor + " (GitHub run " + System.getenv("GITHUB_RUN_ID") + ")";
    }

    /** A request's body with the fields that have a value. */
    static Map<String, Object> body(Object... pairs) {
        Map<String, Object> body = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            body.put((String) pairs[i], pairs[i + 1]);
        }
        return body;
    }

    /** Follows what was begun, or with {@code --detach} prints what it can be followed by. */
    final int followOrDetach(AgentSocket agent, JsonNode begun, Line line) {
        if (line.has("detach")) {
            begun.path("rollouts")
                    .forEach(rollout -> System.out.println(rollout.path("id").asText()));
            return Exit.DONE;
        }
        return follow(agent, begun, Progress.style(line));
    }

    /** Follows rollouts one after the other, and prints how each ended on stdout. The worst exit code. */
    final int follow(AgentSocket agent, JsonNode begun, Progress.Style style) {
        int worst = Exit.DONE;
        for (JsonNode rollout : begun.path("rollouts")) {
            String id = rollout.path("id").asText();
            Ending ending = new Ending();
            int exit = new Follow(agent, folders(), new Progress(style, System.err) {
                        @Override
                        synchronized void take(String rolloutId, String service, JsonNode event) {
                            super.take(rolloutId, service, event);
                            ending.take(event);
                        }
                    })
                    .follow(id, rollout.path("service").asText());
            System.out.println(ending.line);
            worst = worst == Exit.DONE ? exit : worst;
        }
        return worst;
    }

    private static final class Ending {
        private String line = "";

        void take(JsonNode event) {
            if (event.path("kind").asText().equals("end")) {
                line = event.path("text").asText();
            }
        }
    }

    /** Rows as columns, as docker prints them. */
    static void table(List<String> head, List<List<String>> rows) {
        List<List<String>> all = new ArrayList<>();
        all.add(head);
        all.addAll(rows);
        int[] widths = new int[head.size()];
        all.forEach(row -> {
            for (int i = 0; i < row.size(); i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        });
        for (List<String> row : all) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 3));
            }
            System.out.println(line.toString().stripTrailing());
        }
    }
}
