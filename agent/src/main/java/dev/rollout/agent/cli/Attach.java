package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "attach", description = "follow a rollout to its end")
final class Attach extends Verb {
    @Parameters(paramLabel = "ID", arity = "0..1", description = "the newest one in progress where none is named")
    private @Nullable String id;

    @Option(names = "--progress", paramLabel = "auto|tty|plain|json|quiet", defaultValue = "AUTO")
    private Progress.Style progress = Progress.Style.AUTO;

    @Override
    public Integer call() {
        AgentSocket agent = agent();
        String wanted = id;
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
                progress);
    }
}
