package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.ProjectSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "up", description = "replace the services' instances")
final class Up extends Verb {
    /** What to do where another rollout of the service is in progress. */
    enum Conflict {
        FAIL,
        WAIT,
        SUPERSEDE
    }

    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE", description = "services; all of them where none is named")
    private List<String> services = new ArrayList<>();

    @Option(names = "--image", paramLabel = "REF", description = "image to run instead of the file's")
    private @Nullable String image;

    @Option(names = "--timeout", paramLabel = "DURATION", description = "readiness deadline")
    private @Nullable String timeout;

    @Option(
            names = "--drain-timeout",
            paramLabel = "DURATION",
            description = "how long the previous may finish its work")
    private @Nullable String drainTimeout;

    @Option(names = "--monitor", paramLabel = "DURATION", description = "how long to watch the candidate")
    private @Nullable String monitor;

    @Option(names = "--order", paramLabel = "ORDER", description = "start-first or stop-first")
    private @Nullable String order;

    @Option(
            names = {"-d", "--detach"},
            description = "do not wait for the end")
    private boolean detach;

    @Option(names = "--dry-run", description = "print the plan and stop")
    private boolean dryRun;

    @Option(names = "--force", description = "replace instances that are as wanted, too")
    private boolean force;

    @Option(names = "--on-conflict", paramLabel = "fail|wait|supersede", defaultValue = "FAIL")
    private Conflict onConflict = Conflict.FAIL;

    @Option(names = "--progress", paramLabel = "auto|tty|plain|json|quiet", defaultValue = "AUTO")
    private Progress.Style progress = Progress.Style.AUTO;

    @Override
    public Integer call() {
        Overrides overrides = overrides();
        ProjectSpec loaded = project.load(services);
        if (image != null && services.size() != 1) {
            throw new CliException(Exit.USAGE, "--image needs exactly one service");
        }
        AgentSocket agent = ensuredAgent();
        Object body = body(
                "project",
                loaded,
                "services",
                services,
                "overrides",
                overrides,
                "force",
                force,
                "onConflict",
                onConflict.name(),
                "by",
                by());
        if (dryRun) {
            return Plan.print(agent.post("/v1/plan", body));
        }
        JsonNode begun = agent.post("/v1/rollouts", body);
        if (detach) {
            begun.path("rollouts")
                    .forEach(rollout -> System.out.println(rollout.path("id").asText()));
            return Exit.DONE;
        }
        return follow(agent, begun, progress);
    }

    private Overrides overrides() {
        try {
            return new Overrides(
                    image,
                    duration("--timeout", timeout),
                    duration("--drain-timeout", drainTimeout),
                    duration("--monitor", monitor),
                    order == null ? null : Order.of(order));
        } catch (IllegalArgumentException e) {
            throw new CliException(Exit.USAGE, String.valueOf(e.getMessage()));
        }
    }

    private static @Nullable Duration duration(String option, @Nullable String text) {
        try {
            return text == null ? null : Durations.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CliException(Exit.USAGE, option + ": " + e.getMessage());
        }
    }
}
