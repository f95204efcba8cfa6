package dev.rollout.agent.rollout;

import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.model.Tree;
import java.util.List;
import java.util.Map;

/** The service's lifecycle hooks: commands in its container. */
final class Hooks {
    private final Ticket ticket;
    private final ServiceSpec spec;
    private final Ports ports;

    Hooks(Ticket ticket, Ports ports) {
        this.ticket = ticket;
        this.spec = ticket.spec();
        this.ports = ports;
    }

    /** @throws StepFailed where one of them fails */
    void postStart(String id) {
        run(id, "post_start");
    }

    /** What fails here is noted: the container is stopped all the same. */
    void preStop(String id) {
        run(id, "pre_stop");
    }

    private void run(String id, String which) {
        for (Tree hook : spec.definition().list(which)) {
            List<String> words = hook.texts("command");
            ContainerEngine.Executed ran = ports.engine()
                    .exec(
                            id,
                            new ContainerEngine.Command(
                                    words,
                                    hook.text("user"),
                                    hook.text("working_dir"),
                                    hook.map("environment").entrySet().stream()
                                            .map(entry -> entry.getKey() + "=" + entry.getValue())
                                            .toList(),
                                    hook.flag("privileged")),
                            spec.readiness().deadline());
            boolean failed = ran.exitCode().isEmpty() || ran.exitCode().get() != 0;
            if (failed && which.equals("post_start")) {
                throw new StepFailed(
                        "the post_start hook '" + String.join(" ", words) + "' "
                                + ran.exitCode()
                                        .map(code -> "exited with code " + code)
                                        .orElse("did not end in time"),
                        Map.of("output", ran.output()));
            }
            if (failed) {
                ports.journal()
                        .note(
                                ticket.id(),
                                "hook",
                                "the pre_stop hook '" + String.join(" ", words) + "' failed; stopping all the same",
                                Map.of());
            }
        }
    }
}
