package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

final class Plan extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("what up would do, step by step")
                .services()
                .flag(null, "force", "as if instances that are as wanted were replaced, too");
    }

    @Override
    int run(Line line) {
        List<String> services = line.words();
        Object body = body(
                "project",
                new ProjectOptions(line).load(services),
                "services",
                services,
                "force",
                line.has("force"),
                "by",
                by());
        return print(ensuredAgent().post("/v1/plan", body));
    }

    static int print(JsonNode answer) {
        for (JsonNode plan : answer.path("plans")) {
            System.out.println(plan.path("service").asText() + ":");
            plan.path("lines").forEach(line -> System.out.println("  " + line.asText()));
        }
        return Exit.DONE;
    }
}
