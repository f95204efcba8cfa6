package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

final class Ps extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("the instances, candidates and previous among them")
                .services()
                .choice("format", Format.values(), "how to print it");
    }

    @Override
    int run(Line line) {
        JsonNode answer = Status.services(agent(), new ProjectOptions(line).load(line.words()), line.words());
        if (Format.of(line) == Format.JSON) {
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
