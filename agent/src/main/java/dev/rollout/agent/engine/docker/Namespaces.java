package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The namespaces that a container has of another one: its network, its processes, its shared memory. They end with the other
 * container, also where a new one takes its name.
 */
final class Namespaces {
    /** What tells them, in the settings of a container. */
    static final List<String> MODES = List.of("NetworkMode", "PidMode", "IpcMode");

    private static final String OF = "container:";

    private final DockerApi api;

    Namespaces(DockerApi api) {
        this.api = api;
    }

    /** Names of the project's running containers that have one of these containers' namespaces. */
    List<String> users(String project, Set<String> ids) {
        List<String> users = new ArrayList<>();
        for (JsonNode container : api.list(Labels.PROJECT + "=" + project)) {
            String id = container.path("Id").asText();
            if (container.path("State").asText().equals("running")
                    && api.inspect(id).stream().flatMap(Namespaces::others).anyMatch(ids::contains)) {
                users.add(container.path("Names").path(0).asText().substring(1));
            }
        }
        return users;
    }

    /** Whether a container has namespaces of one that has ended. */
    boolean areLost(String id) {
        return api.inspect(id).stream()
                .flatMap(Namespaces::others)
                .map(api::inspect)
                .anyMatch(
                        other -> !other.map(found -> found.at("/State/Running").asBoolean())
                                .orElse(false));
    }

    static boolean isAnothers(String mode) {
        return mode.startsWith(OF);
    }

    private static Stream<String> others(JsonNode container) {
        return MODES.stream()
                .map(mode -> container.path("HostConfig").path(mode).asText())
                .filter(Namespaces::isAnothers)
                .map(mode -> mode.substring(OF.length()));
    }
}
