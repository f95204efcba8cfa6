package dev.rollout.agent.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "undo", description = "go back to the previous version")
final class Undo extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private String service = "";

    @Option(names = "--to", paramLabel = "ID", description = "the completed rollout to go back to")
    private @Nullable String to;

    @Option(names = "--progress", paramLabel = "auto|tty|plain|json|quiet", defaultValue = "AUTO")
    private Progress.Style progress = Progress.Style.AUTO;

    @Override
    public Integer call() {
        String name = project.load(List.of(service)).name();
        AgentSocket agent = ensuredAgent();
        return follow(
                agent,
                agent.post(
                        "/v1/services/" + name + "/" + service + "/undo", body("to", to == null ? "" : to, "by", by())),
                progress);
    }
}
