package dev.rollout.agent.cli;

import dev.rollout.agent.json.Json;
import java.util.List;

final class Attach extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("follow a rollout to its end; the one in progress where none is named")
                .words(RolloutInProgress.SHOWN, 0, 1)
                .project()
                .choice("progress", Progress.Style.values(), "how to show what happens");
    }

    @Override
    int run(Line line) {
        AgentSocket agent = agent();
        String id = RolloutInProgress.id(agent, line);
        return follow(
                agent,
                Json.MAPPER.valueToTree(body("rollouts", List.of(body("id", id, "service", "")))),
                Progress.style(line));
    }
}
