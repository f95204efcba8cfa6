package dev.rollout.agent.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "logs", description = "what the newest instance of a service prints")
final class Logs extends Verb {
    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private String service = "";

    @Option(names = "--follow", description = "go on as more comes")
    private boolean follow;

    @Option(
            names = {"-n", "--tail"},
            paramLabel = "LINES",
            defaultValue = "100")
    private @Nullable String tail;

    @Override
    public Integer call() {
        String name = project.load(List.of(service)).name();
        agent().raw("/v1/services/" + name + "/" + service + "/logs?tail=" + tail + "&follow=" + follow, System.out);
        return Exit.DONE;
    }
}
