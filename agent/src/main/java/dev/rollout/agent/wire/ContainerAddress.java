package dev.rollout.agent.wire;

import com.fasterxml.jackson.databind.JsonNode;

/** Where a container is reached, by what the Engine tells of it. */
public final class ContainerAddress {
    private ContainerAddress() {}

    /** The first address that it has on a network; empty where it has none, as while it does not run. */
    public static String of(JsonNode container) {
        for (JsonNode network : container.at("/NetworkSettings/Networks")) {
            String address = network.path("IPAddress").asText("");
            if (!address.isEmpty()) {
                return address;
            }
        }
        return "";
    }
}
