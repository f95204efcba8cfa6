package dev.rollout.agent.compose;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The networks, volumes, secrets and configs that the selected services use. */
record Used(Set<String> networks, Set<String> volumes, Set<String> secrets, Set<String> configs) {

    static Used by(Map<String, Map<String, @Nullable Object>> services) {
        Used used =
                new Used(new LinkedHashSet<>(), new LinkedHashSet<>(), new LinkedHashSet<>(), new LinkedHashSet<>());
        services.values().forEach(service -> {
            if (service.get("networks") instanceof Map<?, ?> networks) {
                networks.keySet().forEach(name -> used.networks.add((String) name));
            }
            if (service.get("volumes") instanceof List<?> mounts) {
                mounts.forEach(mount -> {
                    if (mount instanceof Map<?, ?> map
                            && "volume".equals(map.get("type"))
                            && map.get("source") instanceof String source) {
                        used.volumes.add(source);
                    }
                });
            }
            sources(service.get("secrets"), used.secrets);
            sources(service.get("configs"), used.configs);
            if (service.get("build") instanceof Map<?, ?> build) {
                sources(build.get("secrets"), used.secrets);
            }
        });
        return used;
    }

    private static void sources(@Nullable Object mounts, Set<String> into) {
        if (mounts instanceof List<?> list) {
            list.forEach(mount -> {
                if (mount instanceof Map<?, ?> map && map.get("source") instanceof String source) {
                    into.add(source);
                }
            });
        }
    }

    Map<String, Map<String, @Nullable Object>> only(Map<String, Map<String, @Nullable Object>> all, Set<String> names) {
        Map<String, Map<String, @Nullable Object>> kept = new LinkedHashMap<>();
        all.forEach((name, value) -> {
            if (names.contains(name)) {
                kept.put(name, value);
            }
        });
        return kept;
    }
}
