package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.ProjectSpec;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

final class Up extends Verb {
    /** What to do where another rollout of the service is in progress. */
    enum Conflict {
        FAIL,
        WAIT,
        SUPERSEDE
    }

    @Override
    Syntax syntax() {
        return Syntax.of("replace the services' instances")
                .services()
                .value(null, "image", "REF", "image to run instead of the file's")
                .value(null, "timeout", "DURATION", "readiness deadline")
                .value(null, "drain-timeout", "DURATION", "how long the previous may finish its work")
                .value(null, "monitor", "DURATION", "how long to watch the candidate")
                .choice("order", Order.values(), "whether the new or the previous goes first")
                .flag("d", "detach", "do not wait for the end")
                .flag(null, "dry-run", "print the plan and stop")
                .flag(null, "force", "replace instances that are as wanted, too")
                .choice("on-conflict", Conflict.values(), "where another rollout of the service is in progress")
                .choice("progress", Progress.Style.values(), "how to show what happens");
    }

    @Override
    int run(Line line) {
        List<String> services = line.words();
        Overrides overrides = overrides(line);
        ProjectSpec loaded = new ProjectOptions(line).load(services);
        if (line.has("image") && services.size() != 1) {
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
                line.has("force"),
                "onConflict",
                line.choice("on-conflict", Conflict.FAIL).name(),
                "by",
                by(),
                "environment",
                Caller.environment());
        if (line.has("dry-run")) {
            return Plan.print(agent.post("/v1/plan", body));
        }
        JsonNode begun = agent.post("/v1/rollouts", body);
        return followOrDetach(agent, begun, line);
    }

    private static Overrides overrides(Line line) {
        return new Overrides(
                line.text("image"),
                duration(line, "timeout"),
                duration(line, "drain-timeout"),
                duration(line, "monitor"),
                line.choice("order", Order.class).orElse(null),
                null);
    }

    private static @Nullable Duration duration(Line line, String option) {
        String text = line.text(option);
        try {
            return text == null ? null : Durations.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CliException(Exit.USAGE, "--" + option + ": " + e.getMessage());
        }
    }
}
