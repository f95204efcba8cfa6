package dev.rollout.agent.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "unlock", description = "free a service that lock holds")
final class Unlock extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private String service = "";

    @Option(names = "--reason", paramLabel = "TEXT", description = "taken for symmetry with lock")
    private @Nullable String reason;

    @Override
    public Integer call() {
        String name = project.load(List.of(service)).name();
        ensuredAgent().delete("/v1/services/" + name + "/" + service + "/lock");
        System.out.println(name + "/" + service + " is free" + (reason == null ? "" : ": " + reason));
        return Exit.DONE;
    }
}
