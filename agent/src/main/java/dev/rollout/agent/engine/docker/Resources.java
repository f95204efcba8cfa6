package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Tree;
import dev.rollout.agent.rollout.EngineRefused;
import java.util.Map;

/** The networks and volumes that a service uses: made as Compose makes them, where they are missing. */
final class Resources {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final DockerApi api;
    private final ServiceSpec spec;
    private final Tree project;

    Resources(DockerApi api, ServiceSpec spec) {
        this.api = api;
        this.spec = spec;
        this.project = new Tree(spec.project().tree());
    }

    void ensure() {
        spec.definition().map("networks").keySet().forEach(this::network);
        spec.definition().list("volumes").stream()
                .filter(mount -> "volume".equals(mount.text("type")) && mount.text("source") != null)
                .forEach(mount -> volume(mount.text("source", "")));
    }

    private void network(String key) {
        Tree definition = project.at("networks", key);
        String name = definition.text("name", key);
        if (isThere("network", name)) {
            return;
        }
        if (definition.flag("external")) {
            throw new EngineRefused(
                    404,
                    "the external network " + name + " does not exist; make it with 'docker network create " + name
                            + "'");
        }
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("Name", name).put("CheckDuplicate", true).put("Driver", definition.text("driver", "bridge"));
        body.put("Internal", definition.flag("internal"));
        body.put("Attachable", definition.flag("attachable"));
        body.put("EnableIPv6", definition.flag("enable_ipv6"));
        if (definition.at("enable_ipv4").isPresent()) {
            api.version().needs(48, "networks." + key + ".enable_ipv4");
            body.put("EnableIPv4", definition.flag("enable_ipv4"));
        }
        body.set("Options", MAPPER.valueToTree(definition.map("driver_opts")));
        body.set("Labels", labels(definition, "com.docker.compose.network", key));
        Tree ipam = definition.at("ipam");
        if (ipam.at("config").isPresent() || ipam.at("driver").isPresent()) {
            ObjectNode node = body.putObject("IPAM").put("Driver", ipam.text("driver", ""));
            ArrayNode config = node.putArray("Config");
            ipam.list("config").forEach(pool -> {
                ObjectNode entry = config.addObject();
                put(entry, "Subnet", pool, "subnet");
                put(entry, "IPRange", pool, "ip_range");
                put(entry, "Gateway", pool, "gateway");
                if (pool.at("aux_addresses").isPresent()) {
                    entry.set("AuxiliaryAddresses", MAPPER.valueToTree(pool.map("aux_addresses")));
                }
            });
        }
        create("network", name, body);
    }

    private static void put(ObjectNode node, String name, Tree tree, String key) {
        String value = tree.text(key);
        if (value != null) {
            node.put(name, value);
        }
    }

    private void volume(String key) {
        Tree definition = project.at("volumes", key);
        String name = definition.text("name", key);
        if (isThere("volume", name)) {
            return;
        }
        if (definition.flag("external")) {
            throw new EngineRefused(
                    404,
                    "the external volume " + name + " does not exist; make it with 'docker volume create " + name
                            + "'");
        }
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("Name", name);
        body.put("Driver", definition.text("driver", "local"));
        body.set("DriverOpts", MAPPER.valueToTree(definition.map("driver_opts")));
        body.set("Labels", labels(definition, "com.docker.compose.volume", key));
        create("volume", name, body);
    }

    private boolean isThere(String kind, String name) {
        try {
            api.get("/" + kind + "s/" + DockerApi.query(name));
            return true;
        } catch (EngineRefused e) {
            if (e.status() == 404) {
                return false;
            }
            throw e;
        }
    }

    private void create(String kind, String name, ObjectNode body) {
        try {
            api.post("/" + kind + "s/create", body);
        } catch (EngineRefused e) {
            if (!isThere(kind, name)) { // made by somebody else in the same moment is as good
                throw new EngineRefused(e.status(), "the " + kind + " " + name + " cannot be made: " + e.getMessage());
            }
        }
    }

    private ObjectNode labels(Tree definition, String label, String key) {
        ObjectNode labels = JsonNodeFactory.instance.objectNode();
        Map<String, ?> own = definition.map("labels");
        own.forEach((name, value) -> labels.put(name, String.valueOf(value)));
        labels.put(label, key);
        labels.put(Labels.PROJECT, spec.key().project());
        labels.put(Labels.VERSION, Labels.COMPOSE_VERSION);
        return labels;
    }
}
