package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "ps", description = "the instances, candidates and previous among them")
final class Ps extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private List<String> services = new ArrayList<>();

    @Option(names = "--format", paramLabel = "table|json", defaultValue = "TABLE")
    private Format format = Format.TABLE;

    @Override
    public Integer call() {
        JsonNode answer = Status.services(agent(), project.load(services), services);
        if (format == Format.JSON) {
            System.out.println(answer.path("services").toPrettyString());
            return Exit.DONE;
        }
        List<List<String>> rows = new ArrayList<>();
        for (JsonNode service : answer.path("services")) {
            for (JsonNode instance : service.path("instances")) {
                rows.add(List.of(
                        instance.path("id").asText().substring(0, 12),
                        instance.path("name").asText(),
                        service.path("service").asText(),
                        instance.path("state").asText(),
                        Long.toString(instance.path("generation").asLong()),
                        instance.path("image").asText(),
                        instance.path("createdAt").asText()));
            }
        }
        table(List.of("CONTAINER", "NAME", "SERVICE", "STATE", "GENERATION", "IMAGE", "CREATED"), rows);
        return Exit.DONE;
    }
}
