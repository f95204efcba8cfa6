package dev.rollout.agent.cli;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "lock", description = "hold a service against rollouts")
final class Lock extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private String service = "";

    @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "what others are told")
    private String reason = "";

    @Override
    public Integer call() {
        String name = project.load(List.of(service)).name();
        ensuredAgent().post("/v1/services/" + name + "/" + service + "/lock", body("by", by(), "reason", reason));
        System.out.println(name + "/" + service + " is locked: " + reason);
        return Exit.DONE;
    }
}
