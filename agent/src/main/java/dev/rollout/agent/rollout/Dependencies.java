package dev.rollout.agent.rollout;

import dev.rollout.agent.model.ProjectSpec;
import dev.rollout.agent.model.Tree;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The order that {@code depends_on} asks for. Pure. */
final class Dependencies {
    private Dependencies() {}

    /** The service's own dependencies, with their conditions. */
    static Map<String, String> of(ProjectSpec project, String service) {
        Map<String, String> conditions = new LinkedHashMap<>();
        new Tree(project.tree()).at("services", service).map("depends_on").forEach((name, condition) -> {
            if (project.services().contains(name)) {
                conditions.put(name, new Tree(condition).text("condition", "service_started"));
            }
        });
        return conditions;
    }

    /** Whether one of the services needs it to run to its end, as a migration does. */
    static boolean isJob(ProjectSpec project, List<String> services, String service) {
        return services.stream()
                .anyMatch(name -> "service_completed_successfully"
                        .equals(of(project, name).get(service)));
    }

    /** Whether the service is to begin anew after any of these was replaced ({@code restart: true}). */
    static boolean restart(ProjectSpec project, String service, Set<String> replaced) {
        Tree all = new Tree(project.tree()).at("services", service, "depends_on");
        return replaced.stream().anyMatch(name -> all.at(name).flag("restart"));
    }

    /** The wanted services and all that they depend on, dependencies first. */
    static List<String> ordered(ProjectSpec project, List<String> wanted) {
        List<String> ordered = new ArrayList<>();
        wanted.forEach(service -> visit(project, service, ordered));
        return ordered;
    }

    private static void visit(ProjectSpec project, String service, List<String> ordered) {
        if (ordered.contains(service)) {
            return;
        }
        of(project, service).keySet().forEach(dependency -> visit(project, dependency, ordered));
        ordered.add(service);
    }
}
