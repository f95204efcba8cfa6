package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Keeps the previous version for undo, out of Compose's sight: a stopped container of its image and volumes, labelled as
 * a one-off. Compose's up would count (and may remove the newer of) two containers of a service.
 */
final class Parking {
    private final DockerApi api;

    Parking(DockerApi api) {
        this.api = api;
    }

    void park(String id, ServiceSpec spec) {
        Optional<JsonNode> found = api.inspect(id);
        if (found.isEmpty()) {
            return;
        }
        JsonNode old = found.get();
        unpark(spec.key());
        ObjectNode body = Objects.requireNonNull((ObjectNode) old.path("Config").deepCopy());
        ObjectNode labels = (ObjectNode) body.path("Labels");
        labels.put(Labels.ONE_OFF, "True").put(Labels.PARKED, spec.key().toString());
        body.put("Image", old.path("Image").asText());
        body.remove(List.of("Hostname", "ExposedPorts"));
        ObjectNode host = body.putObject("HostConfig").put("NetworkMode", "none");
        for (JsonNode mount : old.path("Mounts")) {
            if (mount.path("Type").asText().equals("volume")) {
                host.withArray("Mounts")
                        .addObject()
                        .put("Type", "volume")
                        .put("Source", mount.path("Name").asText())
                        .put("Target", mount.path("Destination").asText());
            }
        }
        api.post("/containers/create?name=" + DockerApi.query(spec.containerName(1) + ".parked"), body);
    }

    void unpark(ServiceKey key) {
        for (JsonNode parked : of(key)) {
            api.remove(parked.path("Id").asText());
        }
    }

    private JsonNode of(ServiceKey key) {
        return api.list(Labels.PARKED + "=" + key);
    }

    List<String> parked() {
        List<String> keys = new ArrayList<>();
        api.list(Labels.PARKED)
                .forEach(parked ->
                        keys.add(parked.path("Labels").path(Labels.PARKED).asText()));
        return keys;
    }
}
