package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "plan", description = "what up would do, step by step")
final class Plan extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private List<String> services = new ArrayList<>();

    @Option(names = "--force", description = "as if instances that are as wanted were replaced, too")
    private boolean force;

    @Override
    public Integer call() {
        Object body = body("project", project.load(services), "services", services, "force", force, "by", by());
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
