package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "history", description = "past rollouts, the newest first")
final class History extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE", arity = "0..1")
    private @Nullable String service;

    @Option(names = "--format", paramLabel = "table|json", defaultValue = "TABLE")
    private Format format = Format.TABLE;

    @Override
    public Integer call() {
        String path = service == null
                ? "/v1/rollouts"
                : "/v1/rollouts?project=" + project.load(List.of(service)).name() + "&service=" + service;
        JsonNode answer = agent().get(path);
        if (format == Format.JSON) {
            System.out.println(answer.path("rollouts").toPrettyString());
            return Exit.DONE;
        }
        List<List<String>> rows = new ArrayList<>();
        for (JsonNode past : answer.path("rollouts")) {
            rows.add(List.of(
                    past.path("id").asText(),
                    past.path("project").asText() + "/" + past.path("service").asText(),
                    past.path("kind").asText(),
                    Long.toString(past.path("generation").asLong()),
                    past.path("phase").asText(),
                    past.path("begunAt").asText(),
                    past.path("by").asText(),
                    past.path("lastLine").asText()));
        }
        table(List.of("ID", "SERVICE", "KIND", "GENERATION", "PHASE", "BEGUN", "BY", "LAST LINE"), rows);
        return Exit.DONE;
    }
}
