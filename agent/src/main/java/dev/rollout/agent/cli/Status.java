package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.ProjectSpec;
import java.util.ArrayList;
import java.util.List;

final class Status extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("what serves now, which generation, the rollout in progress")
                .services()
                .choice("format", Format.values(), "how to print it");
    }

    @Override
    int run(Line line) {
        JsonNode answer = services(agent(), new ProjectOptions(line).load(line.words()), line.words());
        if (Format.of(line) == Format.JSON) {
            System.out.println(answer.path("services").toPrettyString());
            return Exit.DONE;
        }
        List<List<String>> rows = new ArrayList<>();
        for (JsonNode service : answer.path("services")) {
            long running = 0;
            long generation = 0;
            for (JsonNode instance : service.path("instances")) {
                running += instance.path("state").asText().equals("running") ? 1 : 0;
                generation = Math.max(generation, instance.path("generation").asLong());
            }
            String rollout = service.path("rollout").asText("-");
            String lock = service.path("lock").path("reason").asText("");
            rows.add(List.of(
                    service.path("service").asText(),
                    running + " running",
                    generation == 0 ? "-" : Long.toString(generation),
                    rollout.equals("-")
                            ? "-"
                            : rollout + " " + service.path("phase").asText("preparing"),
                    lock.isEmpty() ? "-" : lock,
                    service.path("last").asText("-")));
        }
        table(List.of("SERVICE", "INSTANCES", "GENERATION", "ROLLOUT", "LOCK", "LAST"), rows);
        return Exit.DONE;
    }

    /** The services' state, as the agent tells it. */
    static JsonNode services(AgentSocket agent, ProjectSpec project, List<String> services) {
        StringBuilder path = new StringBuilder("/v1/services?project=" + project.name());
        (services.isEmpty() ? project.services() : services)
                .forEach(name -> path.append("&service=").append(name));
        return agent.get(path.toString());
    }
}
