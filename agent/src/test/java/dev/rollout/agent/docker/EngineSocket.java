package dev.rollout.agent.docker;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URLEncoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What an Engine has, asked without a process for each question: the tests ask some thousand. */
record EngineSocket(Path path) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** As {@code docker inspect} shows them, those that are gone meanwhile left out; none where the Engine is away. */
    List<JsonNode> containers(String... labels) {
        List<JsonNode> containers = new ArrayList<>();
        for (JsonNode listed : ask("GET", "/containers/json?all=1&" + filters(labels))) {
            JsonNode found = container(listed.path("Id").asText());
            if (found.has("Id")) {
                containers.add(found);
            }
        }
        return containers;
    }

    /** By its id or name. */
    JsonNode container(String id) {
        return ask("GET", "/containers/" + id + "/json");
    }

    /** With the volumes that they have handed on to one another: to Docker these are no longer anonymous. */
    void removeContainers(String label) {
        for (JsonNode container : containers(label)) {
            ask("DELETE", "/containers/" + container.path("Id").asText() + "?force=1&v=1");
            for (JsonNode mount : container.path("Mounts")) {
                if (mount.path("Type").asText().equals("volume")) {
                    ask("DELETE", "/volumes/" + mount.path("Name").asText());
                }
            }
        }
    }

    void removeNetworks(String label) {
        for (JsonNode network : ask("GET", "/networks?" + filters(label))) {
            ask("DELETE", "/networks/" + network.path("Id").asText());
        }
    }

    private static String filters(String... labels) {
        return "filters="
                + URLEncoder.encode(JSON.valueToTree(Map.of("label", labels)).toString(), UTF_8);
    }

    private JsonNode ask(String method, String question) {
        return Rig.ask(path, method, question);
    }
}
