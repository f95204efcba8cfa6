package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Drain;
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

    boolean hasPreStop() {
        return !spec.definition().list("pre_stop").isEmpty();
    }

    /** What fails here is noted: the container is stopped all the same. */
    void preStop(String id) {
        run(id, "pre_stop");
    }

    /** Tells a container to drain, in the way that the service knows. What fails is noted: it is stopped in the end. */
    void drain(String id) {
        Drain.Start start = spec.drain().start();
        if (start == null) {
            return;
        }
        String answer = switch (start) {
            case Drain.Start.Exec exec ->
                failure(ports.engine()
                        .exec(
                                id,
                                ContainerEngine.Command.of(exec.command()),
                                spec.drain().timeout()));
            case Drain.Start.Signal signal -> {
                ports.engine().signal(id, signal.name());
                yield "";
            }
            case Drain.Start.AFile file -> {
                ports.engine().touch(id, file.path());
                yield "";
            }
            case Drain.Start.Post post ->
                ports.probe().post(id, post.to(), spec.readiness().timeout());
        };
        if (!answer.isEmpty()) {
            ports.journal().note(ticket.id(), "drain", "drain by " + start.words() + " failed: " + answer, Map.of());
        }
    }

    private static String failure(ContainerEngine.Executed ran) {
        return ran.exitCode().map(code -> code == 0 ? "" : "exit code " + code).orElse("it did not end in time");
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
