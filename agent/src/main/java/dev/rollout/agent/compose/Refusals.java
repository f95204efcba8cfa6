package dev.rollout.agent.compose;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What Compose accepts and then ignores, or what only another platform knows. A key that has no effect is refused when
 * its service is rolled, with its place: nothing is silently ignored.
 */
final class Refusals {
    private Refusals() {}

    /** The refusals of each service, complete sentences with file:line. */
    static Map<String, List<String>> in(Node.Mapping nodes, Map<String, Map<String, @Nullable Object>> services) {
        Map<String, List<String>> refusals = new LinkedHashMap<>();
        services.forEach((name, read) -> {
            List<String> found = new ArrayList<>();
            if (nodes.get(name) instanceof Node.Mapping service) {
                collect("services." + name, service, found);
                provided("services." + name, service, read, services, found);
            }
            if (!found.isEmpty()) {
                refusals.put(name, found);
            }
        });
        return refusals;
    }

    /** What only Compose itself does, with its plugins: what they tell a service is known to nobody else. */
    private static void provided(
            String path,
            Node.Mapping service,
            Map<String, @Nullable Object> read,
            Map<String, Map<String, @Nullable Object>> services,
            List<String> found) {
        refuse(path, service, "provider", "is a plugin of Docker Compose: there is no container to roll", found);
        refuse(
                path,
                service,
                "models",
                "are made by Docker Compose; give the service the model's address under 'environment'",
                found);
        if (read.containsKey("use_api_socket")) {
            refuse(path, service, "use_api_socket", "is done by Docker Compose; mount it under 'volumes'", found);
        }
        if (read.get("depends_on") instanceof Map<?, ?> dependencies) {
            dependencies.keySet().stream()
                    .map(String::valueOf)
                    .filter(other -> services.getOrDefault(other, Map.of()).containsKey("provider"))
                    .forEach(other -> refuse(
                            path,
                            service,
                            "depends_on",
                            "names '" + other
                                    + "', which a plugin of Docker Compose provides: what it tells this service"
                                    + " is not known here; roll it with docker compose",
                            found));
        }
    }

    private static void collect(String path, Node.Mapping service, List<String> found) {
        refuse(path, service, "credential_spec", "is for Windows containers; remove it", found);
        if (service.get("isolation") instanceof Node.Scalar isolation
                && !isolation.text().equals("default")) {
            refuse(path, service, "isolation", "is for Windows containers; remove it", found);
        }
        refuse(path, service, "cpu_count", "is for Windows containers; use 'cpus'", found);
        refuse(path, service, "cpu_percent", "is for Windows containers; use 'cpus'", found);
        refuse(
                path,
                service,
                "pull_refresh_after",
                "has no effect; write pull_policy: every_12h, as you want it",
                found);
        if (service.get("pull_policy") instanceof Node.Scalar policy
                && policy.text().equals("refresh")) {
            refuse(path, service, "pull_policy", "refresh has no effect; write every_12h, as you want it", found);
        }
        if (!(service.get("deploy") instanceof Node.Mapping deploy)) {
            return;
        }
        String below = path + ".deploy";
        if (deploy.get("mode") instanceof Node.Scalar mode && !mode.text().equals("replicated")) {
            refuse(below, deploy, "mode", "other than 'replicated' needs Swarm; remove it", found);
        }
        refuse(below, deploy, "endpoint_mode", "needs Swarm; remove it", found);
        refuse(below, deploy, "placement", "needs Swarm: there is one host here; remove it", found);
        refuse(
                below,
                deploy,
                "labels",
                "are labels of a Swarm service; write them under the service's 'labels'",
                found);
        refuse(
                below,
                deploy,
                "rollback_config",
                "has no effect: a rollback restores what ran before; remove it",
                found);
        if (deploy.get("restart_policy") instanceof Node.Mapping restart) {
            refuse(
                    below + ".restart_policy",
                    restart,
                    "delay",
                    "needs Swarm: the Engine waits by itself; remove it",
                    found);
            refuse(below + ".restart_policy", restart, "window", "needs Swarm; remove it", found);
        }
        if (deploy.get("resources") instanceof Node.Mapping resources) {
            for (String kind : List.of("limits", "reservations")) {
                if (resources.get(kind) instanceof Node.Mapping limits) {
                    refuse(below + ".resources." + kind, limits, "generic_resources", "need Swarm; remove them", found);
                }
            }
        }
    }

    private static void refuse(String path, Node.Mapping mapping, String key, String sentence, List<String> found) {
        Node node = mapping.get(key);
        if (node != null && !node.isNull()) {
            found.add(mapping.keyMark(key) + ": " + path + "." + key + " " + sentence);
        }
    }
}
