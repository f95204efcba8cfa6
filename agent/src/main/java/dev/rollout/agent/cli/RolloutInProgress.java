package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.ProjectSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

/** Finds the rollout that a command means by {@code [ID|SERVICE]}: another project may have a service of the same name. */
final class RolloutInProgress {
    static final String SHOWN = "[ID|SERVICE]";

    private RolloutInProgress() {}

    /** The rollout's id; what is no service is taken for one. The only one in progress where nothing is named. */
    static String id(AgentSocket agent, Line line) {
        String wanted = line.word();
        List<JsonNode> begun = StreamSupport.stream(
                        agent.get("/v1/rollouts").path("rollouts").spliterator(), false)
                .filter(rollout -> !rollout.has("endedAt"))
                .toList();
        if (wanted == null) {
            return one(begun, "no rollout is in progress; 'rollout history' lists the past ones");
        }
        if (begun.stream().anyMatch(rollout -> rollout.path("id").asText().equals(wanted))) {
            return wanted;
        }
        Optional<ProjectSpec> here =
                project(line).filter(project -> project.services().contains(wanted));
        if (here.isPresent()) {
            JsonNode service = Status.services(agent, here.get(), List.of(wanted))
                    .path("services")
                    .path(0);
            if (!service.has("rollout")) {
                throw new CliException(
                        Exit.USAGE, "no rollout of " + here.get().name() + "/" + wanted + " is in progress");
            }
            return service.path("rollout").asText();
        }
        List<JsonNode> elsewhere = begun.stream()
                .filter(rollout -> rollout.path("service").asText().equals(wanted))
                .toList();
        return elsewhere.isEmpty() ? wanted : one(elsewhere, "");
    }

    private static String one(List<JsonNode> rollouts, String none) {
        if (rollouts.size() == 1) {
            return rollouts.getFirst().path("id").asText();
        }
        StringBuilder words = new StringBuilder(rollouts.isEmpty() ? none : "several are in progress, name one:");
        rollouts.forEach(rollout -> words.append("\n  ")
                .append(rollout.path("id").asText())
                .append("  ")
                .append(rollout.path("project").asText())
                .append('/')
                .append(rollout.path("service").asText()));
        throw new CliException(Exit.USAGE, words.toString());
    }

    /** The project of this folder, where there is one that can be read. */
    private static Optional<ProjectSpec> project(Line line) {
        try {
            return Optional.of(new ProjectOptions(line).load(List.of()));
        } catch (CliException e) {
            if (line.has("file") || line.has("project-directory")) {
                throw e;
            }
            return Optional.empty();
        }
    }
}
