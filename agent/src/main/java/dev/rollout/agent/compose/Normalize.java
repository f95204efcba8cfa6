package dev.rollout.agent.compose;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What Compose adds to a service that does not say it. */
final class Normalize {
    private Normalize() {}

    static void service(Map<String, @Nullable Object> service, Path directory) {
        if (service.get("network_mode") == null && service.get("networks") == null && service.get("provider") == null) {
            Map<String, @Nullable Object> networks = new LinkedHashMap<>();
            networks.put("default", null);
            service.put("networks", networks);
        }
        if (service.get("build") instanceof Map<?, ?> given) {
            service.put("build", build(given, directory));
        }
        impliedDependencies(service);
        if (service.get("scale") instanceof Long scale) {
            replicas(service, scale);
        }
    }

    private static Map<String, @Nullable Object> build(Map<?, ?> given, Path directory) {
        Map<String, @Nullable Object> build = new LinkedHashMap<>();
        build.put("context", given.containsKey("context") ? given.get("context") : directory.toString());
        if (!given.containsKey("dockerfile_inline")) {
            build.put("dockerfile", given.containsKey("dockerfile") ? given.get("dockerfile") : "Dockerfile");
        }
        given.forEach((key, value) -> build.putIfAbsent((String) key, value));
        return build;
    }

    private static void impliedDependencies(Map<String, @Nullable Object> service) {
        Map<String, @Nullable Object> dependencies = new TreeMap<>();
        if (service.get("depends_on") instanceof Map<?, ?> given) {
            given.forEach((key, value) -> dependencies.put((String) key, value));
        }
        if (service.get("links") instanceof List<?> links) {
            links.forEach(link -> imply(dependencies, String.valueOf(link).split(":", 2)[0]));
        }
        for (String namespace : List.of("network_mode", "ipc", "pid", "uts", "cgroup")) {
            if (service.get(namespace) instanceof String mode && mode.startsWith("service:")) {
                imply(dependencies, mode.substring("service:".length()));
            }
        }
        if (service.get("volumes_from") instanceof List<?> sources) {
            sources.stream()
                    .map(String::valueOf)
                    .filter(source -> !source.startsWith("container:"))
                    .forEach(source -> implyWithoutRestart(dependencies, source.split(":", 2)[0]));
        }
        if (!dependencies.isEmpty()) {
            service.put("depends_on", dependencies);
        }
    }

    private static void imply(Map<String, @Nullable Object> dependencies, String service) {
        Map<String, @Nullable Object> dependency = new LinkedHashMap<>();
        dependency.put("condition", "service_started");
        dependency.put("restart", true);
        dependency.put("required", true);
        dependencies.putIfAbsent(service, dependency);
    }

    private static void implyWithoutRestart(Map<String, @Nullable Object> dependencies, String service) {
        Map<String, @Nullable Object> dependency = new LinkedHashMap<>();
        dependency.put("condition", "service_started");
        dependency.put("required", true);
        dependencies.putIfAbsent(service, dependency);
    }

    /** {@code scale} and {@code deploy.replicas} are one number with two names. */
    private static void replicas(Map<String, @Nullable Object> service, long scale) {
        if (service.get("deploy") instanceof Map<?, ?> deploy
                && deploy.get("replicas") instanceof Long replicas
                && replicas != scale) {
            throw new ComposeException(null, "can't set distinct values on 'scale' and 'deploy.replicas'");
        }
    }
}
