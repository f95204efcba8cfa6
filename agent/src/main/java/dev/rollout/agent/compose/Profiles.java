package dev.rollout.agent.compose;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which services are on: those without a profile, those of an active one, those named on the command line. */
final class Profiles {
    private Profiles() {}

    static Map<String, Map<String, @Nullable Object>> select(
            Map<String, Map<String, @Nullable Object>> services,
            Set<String> active,
            List<String> named,
            Node.Mapping nodes) {
        Set<String> profiles = new LinkedHashSet<>(active);
        for (String name : named) {
            Map<String, @Nullable Object> service = services.get(name);
            if (service == null) {
                throw new ComposeException(
                        null,
                        "there is no service '" + name + "'; "
                                + Nearest.to(name, services.keySet())
                                        .map(near -> "did you mean '" + near + "'?")
                                        .orElse("there are " + String.join(", ", services.keySet())));
            }
            if (service.get("profiles") instanceof List<?> own) {
                own.forEach(profile -> profiles.add(String.valueOf(profile)));
            }
        }
        Map<String, Map<String, @Nullable Object>> on = new LinkedHashMap<>();
        services.forEach((name, service) -> {
            if (isOn(service, profiles)) {
                on.put(name, service);
            }
        });
        on.forEach((name, service) -> dropDisabled(name, service, on.keySet(), services.keySet(), nodes));
        return on;
    }

    private static boolean isOn(Map<String, @Nullable Object> service, Set<String> profiles) {
        return !(service.get("profiles") instanceof List<?> own)
                || own.isEmpty()
                || profiles.contains("*")
                || own.stream().anyMatch(profiles::contains);
    }

    private static boolean required(@Nullable Object condition) {
        return condition instanceof Map<?, ?> map && Boolean.TRUE.equals(map.get("required"));
    }

    private static void dropDisabled(
            String name, Map<String, @Nullable Object> service, Set<String> on, Set<String> all, Node.Mapping nodes) {
        if (!(service.get("depends_on") instanceof Map<?, ?> dependencies)) {
            return;
        }
        Map<String, @Nullable Object> kept = new LinkedHashMap<>();
        dependencies.forEach((other, condition) -> {
            if (on.contains(other) || all.contains(other) && !required(condition)) {
                kept.put((String) other, condition);
            } else if (required(condition)) {
                Node node = nodes.get(name);
                throw new ComposeException(
                        node == null ? null : node.mark(),
                        "services." + name + " depends on '" + other + "', which "
                                + (all.contains(other) ? "is in a profile that is not on" : "is not defined"));
            }
        });
        if (kept.isEmpty()) {
            service.remove("depends_on");
        } else {
            service.put("depends_on", kept);
        }
    }
}
