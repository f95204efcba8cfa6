package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The kernel's settings of a container's first interface: Engines take them with its network from API 1.48 on, and no
 * longer under {@code sysctls}, where Compose files have them.
 */
final class InterfaceSysctls {
    static final DockerApi.Version SINCE = new DockerApi.Version(1, 48);

    private static final String OPTION = "com.docker.network.endpoint.sysctls";
    private static final Pattern FIRST = Pattern.compile("(net\\.[^.]+\\.[^.]+\\.)eth0(\\..+)");

    private InterfaceSysctls() {}

    /** @param body of a container's creation */
    static void move(ObjectNode body) {
        ObjectNode host = body.withObject("/HostConfig");
        Map<String, String> moved = new LinkedHashMap<>();
        host.path("Sysctls").properties().forEach(setting -> {
            Matcher first = FIRST.matcher(setting.getKey());
            if (first.matches()) {
                moved.put(
                        setting.getKey(),
                        first.group(1) + "IFNAME" + first.group(2) + "="
                                + setting.getValue().asText());
            }
        });
        if (moved.isEmpty()) {
            return;
        }
        ((ObjectNode) host.path("Sysctls")).remove(moved.keySet());
        ObjectNode endpoints = body.withObject("/NetworkingConfig/EndpointsConfig");
        String network = endpoints.properties().stream()
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(host.path("NetworkMode").asText("bridge"));
        endpoints
                .withObjectProperty(network)
                .withObjectProperty("DriverOpts")
                .put(OPTION, String.join(",", moved.values()));
    }
}
