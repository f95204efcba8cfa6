package dev.rollout.agent.compose;

import dev.rollout.agent.model.PublishedPort;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What only the whole project can tell: every name that is referred to is defined, nothing contradicts itself. */
final class Consistency {
    private final Node.Mapping root;
    private final Node.Mapping nodes;

    Consistency(Node.Mapping root, Node.Mapping services) {
        this.root = root;
        this.nodes = services;
    }

    void check(
            Map<String, Map<String, @Nullable Object>> services,
            Map<String, ?> networks,
            Map<String, ?> volumes,
            Map<String, ?> secrets,
            Map<String, Map<String, @Nullable Object>> configs) {
        Map<String, String> containerNames = new HashMap<>();
        services.forEach((name, service) -> {
            Used own = Used.by(Map.of(name, service));
            if (service.get("image") == null && service.get("build") == null && service.get("provider") == null) {
                throw at(name, null, "has neither an image nor a build");
            }
            if (service.get("network_mode") != null && service.get("networks") != null) {
                throw at(name, "network_mode", "and 'networks' exclude each other");
            }
            defined(name, "networks", own.networks(), networks.keySet());
            defined(name, "volumes", own.volumes(), volumes.keySet());
            defined(name, "secrets", own.secrets(), secrets.keySet());
            defined(name, "configs", own.configs(), configs.keySet());
            if (service.get("container_name") instanceof String container) {
                String other = containerNames.put(container, name);
                if (other != null) {
                    throw at(name, "container_name", "'" + container + "' is also that of service '" + other + "'");
                }
                if (scale(service) > 1) {
                    throw at(name, "container_name", "allows one instance, but " + scale(service) + " are wanted");
                }
            }
            ledPorts(name, service);
            sameLimit(name, service, "mem_limit", "limits", "memory");
            sameLimit(name, service, "mem_reservation", "reservations", "memory");
            sameLimit(name, service, "cpus", "limits", "cpus");
            sameLimit(name, service, "pids_limit", "limits", "pids");
        });
        services.keySet().forEach(name -> cycle(name, services, new ArrayList<>()));
        fileObjects("secrets");
        fileObjects("configs");
    }

    /** The project's defaults may name ports that only some services have; a service's own may not. */
    private void ledPorts(String name, Map<String, @Nullable Object> service) {
        if (!(nodes.get(name) instanceof Node.Mapping node
                && node.get("x-rollout") instanceof Node.Mapping own
                && own.get("ports") instanceof Node.Mapping led)) {
            return;
        }
        List<String> published = new ArrayList<>();
        if (service.get("ports") instanceof List<?> ports) {
            for (Object port : ports) {
                Map<?, ?> one = (Map<?, ?>) port;
                published.add(PublishedPort.name(
                        Objects.toString(one.get("published"), ""), String.valueOf(one.get("target"))));
            }
        }
        led.entries().keySet().stream()
                .filter(port -> !published.contains(port))
                .findFirst()
                .ifPresent(port -> {
                    throw new ComposeException(
                            led.keyMark(port),
                            "services." + name + ".x-rollout.ports names " + port
                                    + ", which the service does not publish"
                                    + (published.isEmpty() ? "" : " (it has " + String.join(", ", published) + ")"));
                });
    }

    private static long scale(Map<String, @Nullable Object> service) {
        if (service.get("scale") instanceof Long scale) {
            return scale;
        }
        return service.get("deploy") instanceof Map<?, ?> deploy && deploy.get("replicas") instanceof Long replicas
                ? replicas
                : 1;
    }

    private void sameLimit(
            String name, Map<String, @Nullable Object> service, String key, String kind, String resource) {
        if (service.get(key) != null
                && service.get("deploy") instanceof Map<?, ?> deploy
                && deploy.get("resources") instanceof Map<?, ?> resources
                && resources.get(kind) instanceof Map<?, ?> limits
                && limits.get(resource) != null
                && !Objects.equals(limits.get(resource), service.get(key))) {
            throw at(name, key, "and deploy.resources." + kind + "." + resource + " have distinct values");
        }
    }

    private void defined(String service, String section, Set<String> wanted, Set<String> known) {
        for (String name : wanted) {
            if (!known.contains(name)) {
                throw at(
                        service,
                        section,
                        "refers to '" + name + "', which is not defined at the top level under '" + section + "'"
                                + Nearest.to(name, known)
                                        .map(near -> "; did you mean '" + near + "'?")
                                        .orElse(""));
            }
        }
    }

    private void cycle(String name, Map<String, Map<String, @Nullable Object>> services, List<String> chain) {
        if (chain.contains(name)) {
            chain.add(name);
            throw at(
                    name,
                    "depends_on",
                    "is a cycle: " + String.join(" -> ", chain.subList(chain.indexOf(name), chain.size())));
        }
        Map<String, @Nullable Object> service = services.get(name);
        if (service != null && service.get("depends_on") instanceof Map<?, ?> dependencies) {
            chain.add(name);
            dependencies.keySet().forEach(other -> cycle((String) other, services, chain));
            chain.remove(chain.size() - 1);
        }
    }

    private void fileObjects(String section) {
        if (!(root.get(section) instanceof Node.Mapping entries)) {
            return;
        }
        entries.entries().forEach((name, node) -> {
            if (node instanceof Node.Mapping mapping) {
                long sources = List.of("file", "environment", "content", "external", "driver").stream()
                        .filter(key -> mapping.get(key) != null)
                        .count();
                if (sources != 1) {
                    throw new ComposeException(
                            node.mark(),
                            section + "." + name + " needs one of file, environment"
                                    + (section.equals("configs") ? ", content" : "") + " and external");
                }
            }
        });
    }

    private ComposeException at(String service, @Nullable String key, String message) {
        Node node = nodes.get(service);
        Mark mark = nodes.keyMark(service);
        if (key != null && node instanceof Node.Mapping mapping && mapping.get(key) != null) {
            mark = mapping.keyMark(key);
        }
        return new ComposeException(mark, "services." + service + (key == null ? "" : "." + key) + " " + message);
    }
}
