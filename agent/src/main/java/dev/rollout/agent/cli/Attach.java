package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

final class Attach extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("follow a rollout to its end; the one in progress where none is named")
                .words("[ID]", 0, 1)
                .choice("progress", Progress.Style.values(), "how to show what happens");
    }

    @Override
    int run(Line line) {
        AgentSocket agent = agent();
        String wanted = line.word();
        if (wanted == null) {
            for (JsonNode past : agent.get("/v1/rollouts").path("rollouts")) {
                if (!past.has("endedAt")) {
                    wanted = past.path("id").asText();
                    break;
                }
            }
        }
        if (wanted == null) {
            throw new CliException(Exit.USAGE, "no rollout is in progress; 'rollout history' lists the past ones");
        }
        return follow(
                agent,
                dev.rollout.agent.json.Json.MAPPER.valueToTree(
                        body("rollouts", List.of(body("id", wanted, "service", "")))),
                Progress.style(line));
    }
}
