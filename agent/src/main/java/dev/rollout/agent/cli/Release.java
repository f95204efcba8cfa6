package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.ProjectSpec;
import java.util.List;

/** The ports of a service go back to Docker, by a rollout whose candidate Docker publishes. */
final class Release extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("hand the ports of a service back to Docker")
                .service()
                .flag("d", "detach", "do not wait for the end")
                .choice("progress", Progress.Style.values(), "how to show what happens");
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        ProjectSpec loaded = new ProjectOptions(line).load(List.of(service));
        AgentSocket agent = ensuredAgent();
        JsonNode begun = agent.post(
                "/v1/rollouts",
                body(
                        "project",
                        loaded,
                        "services",
                        List.of(service),
                        "kind",
                        "release",
                        "force",
                        true,
                        "by",
                        by(),
                        "environment",
                        Caller.environment()));
        return followOrDetach(agent, begun, line);
    }
}
