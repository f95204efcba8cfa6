package dev.rollout.agent.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "prune", description = "remove the previous versions that are kept for undo")
final class Prune extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE", arity = "0..1", description = "all services where none is named")
    private @Nullable String service;

    @Override
    public Integer call() {
        String query = service == null
                ? ""
                : "?project=" + project.load(List.of(service)).name() + "&service=" + service;
        ensuredAgent()
                .post("/v1/prune" + query, body())
                .path("removed")
                .forEach(line -> System.out.println(line.asText()));
        return Exit.DONE;
    }
}
