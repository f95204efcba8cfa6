package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.Template;
import dev.rollout.agent.rollout.ContainerEngine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A container as the Engine shows it, into the body of the create call that makes it again. */
final class TemplateJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int SHORT_ID = 12;

    /** The networks that a container cannot be on beside others, and has no name of its own on. */
    private static final Set<String> BUILT_IN = Set.of("host", "none", "bridge", "default");

    private final JsonNode config;
    private final JsonNode host;
    private final JsonNode networks;

    TemplateJson(Template template) {
        JsonNode container = MAPPER.valueToTree(template.container());
        this.config = container.path("Config");
        this.host = container.path("HostConfig");
        this.networks = container.path("Networks");
    }

    static Template of(JsonNode found) {
        JsonNode config = found.path("Config");
        JsonNode host = found.path("HostConfig");
        String shortId = found.path("Id").asText().substring(0, SHORT_ID);
        String mode = host.path("NetworkMode").asText();
        boolean shared = Namespaces.isAnothers(mode);

        ObjectNode kept = config.deepCopy();
        if (shared || mode.equals("host")) {
            kept.remove(List.of("Hostname", "Domainname")); // the other's, not what was asked for
        } else if (config.path("Hostname").asText().equals(shortId)) {
            kept.remove("Hostname");
        }
        ObjectNode container = NODES.objectNode();
        container.set("Config", kept);
        container.set("HostConfig", host);
        ObjectNode networks = container.putObject("Networks");
        if (!shared && !BUILT_IN.contains(mode)) {
            found.at("/NetworkSettings/Networks")
                    .fields()
                    .forEachRemaining(one -> networks.set(one.getKey(), endpoint(one.getValue(), shortId)));
        }
        return new Template(
                new Revision(
                        config.path("Labels").path(Labels.CONFIG_HASH).asText(),
                        found.path("Image").asText()),
                definition(config, host, mode),
                MAPPER.convertValue(container, new TypeReference<Map<String, @Nullable Object>>() {}));
    }

    private static ObjectNode endpoint(JsonNode network, String shortId) {
        ObjectNode settings = NODES.objectNode();
        ArrayNode aliases = settings.putArray("Aliases");
        for (JsonNode alias : network.path("Aliases")) {
            if (!alias.asText().equals(shortId)) {
                aliases.add(alias);
            }
        }
        for (String asked : List.of("IPAMConfig", "Links", "DriverOpts")) {
            if (network.hasNonNull(asked)) {
                settings.set(asked, network.path(asked));
            }
        }
        return settings;
    }

    private static Map<String, @Nullable Object> definition(JsonNode config, JsonNode host, String mode) {
        Map<String, @Nullable Object> definition = new HashMap<>();
        Map<String, String> labels = new TreeMap<>();
        config.path("Labels").fields().forEachRemaining(label -> {
            if (!label.getKey().startsWith(Labels.COMPOSE) && !label.getKey().startsWith(Labels.OURS)) {
                labels.put(label.getKey(), label.getValue().asText());
            }
        });
        definition.put("labels", labels);
        if (!config.path("Labels")
                .has(Labels.ROLLOUT)) { // of another agent's the gateway may have the ports: as in the file
            definition.put("ports", ports(host.path("PortBindings")));
        }
        definition.put("expose", null);
        List<String> test = new ArrayList<>();
        config.path("Healthcheck").path("Test").forEach(word -> test.add(word.asText()));
        definition.put("healthcheck", test.isEmpty() ? null : Map.of("test", test));
        String restart = host.path("RestartPolicy").path("Name").asText("");
        long most = host.path("RestartPolicy").path("MaximumRetryCount").asLong();
        definition.put("restart", restart.isEmpty() ? "no" : most == 0 ? restart : restart + ":" + most);
        definition.put(
                "stop_grace_period",
                config.hasNonNull("StopTimeout") ? config.path("StopTimeout").asLong() + "s" : null);
        if (!Namespaces.isAnothers(mode)) { // it may have another id by now, which the file's own words lead to
            definition.put("network_mode", BUILT_IN.contains(mode) ? mode : null);
        }
        return definition;
    }

    private static List<Map<String, Object>> ports(JsonNode bindings) {
        List<Map<String, Object>> ports = new ArrayList<>();
        bindings.fields().forEachRemaining(bound -> {
            String[] target = bound.getKey().split("/", 2);
            for (JsonNode on : bound.getValue()) {
                ports.add(Map.of(
                        "target", Long.valueOf(target[0]),
                        "protocol", target.length > 1 ? target[1] : "tcp",
                        "published", on.path("HostPort").asText(),
                        "host_ip", on.path("HostIp").asText()));
            }
        });
        return ports;
    }

    /** The image by the name that was used, which may mean another one by now. */
    String image() {
        return config.path("Image").asText();
    }

    /**
     * The body of the create call.
     *
     * @param ours what would be sent for the file of now: what is ours in it is taken over
     */
    ObjectNode body(ObjectNode ours, ContainerEngine.Injection injection, Map<String, String> inheritedVolumes) {
        ObjectNode body = config.deepCopy();
        body.set("Image", ours.path("Image"));
        body.set("Labels", ours.path("Labels"));
        injection
                .environment()
                .forEach((name, value) -> put(array(body, "Env"), name + "=" + value, TemplateJson::name));
        ObjectNode made = body.set("HostConfig", host.deepCopy()).withObject("/HostConfig");
        made.remove(List.of("ContainerIDFile", "AutoRemove", "PortBindings"));
        JsonNode now = ours.path("HostConfig");
        made.set("RestartPolicy", now.path("RestartPolicy"));
        if (now.has("PortBindings")) {
            made.set("PortBindings", now.path("PortBindings"));
        }
        for (String shared : Namespaces.MODES) {
            boolean other = Namespaces.isAnothers(made.path(shared).asText());
            if (other && Namespaces.isAnothers(now.path(shared).asText())) {
                made.set(shared, now.path(shared));
            }
        }
        ArrayNode links = NODES.arrayNode(); // shown as /other:/this/alias, and wanted as other:alias
        made.path("Links")
                .forEach(link -> links.add(link.asText().replaceFirst("^/", "").replaceFirst(":/.*/", ":")));
        made.set("Links", links);
        injection.binds().forEach(bind -> put(array(made, "Binds"), bind, TemplateJson::target));
        injection.groups().forEach(array(made, "GroupAdd")::add);
        inheritedVolumes.forEach((target, volume) -> inherit(made, target, volume));
        List<ContainerJson.Endpoint> endpoints = endpoints();
        if (!endpoints.isEmpty()) {
            body.withObject("/NetworkingConfig/EndpointsConfig")
                    .set(endpoints.getFirst().network(), endpoints.getFirst().settings());
        }
        return body;
    }

    /** Another agent may have put the same there before. */
    private static void put(ArrayNode list, String text, UnaryOperator<String> key) {
        for (int i = list.size() - 1; i >= 0; i--) {
            if (key.apply(list.get(i).asText()).equals(key.apply(text))) {
                list.remove(i);
            }
        }
        list.add(text);
    }

    private static String name(String variable) {
        return variable.split("=", 2)[0];
    }

    private static String target(String bind) {
        String[] parts = bind.split(":", 3);
        return parts[Math.min(1, parts.length - 1)];
    }

    /** The Engine shows a list that was not given as null. */
    private static ArrayNode array(ObjectNode node, String name) {
        return node.path(name) instanceof ArrayNode array ? array : node.putArray(name);
    }

    /** An anonymous volume goes on in the next container; a place that has something else keeps it. */
    private static void inherit(ObjectNode host, String target, String volume) {
        for (JsonNode bind : host.path("Binds")) {
            if (target(bind.asText()).equals(target)) {
                return;
            }
        }
        for (JsonNode mount : host.path("Mounts")) {
            if (mount.path("Target").asText().equals(target)) {
                if (mount.path("Type").asText().equals("volume") && !mount.hasNonNull("Source")) {
                    ((ObjectNode) mount).put("Source", volume);
                }
                return;
            }
        }
        array(host, "Mounts")
                .addObject()
                .put("Type", "volume")
                .put("Source", volume)
                .put("Target", target);
    }

    /** The networks; the first one is part of the create call. */
    List<ContainerJson.Endpoint> endpoints() {
        List<ContainerJson.Endpoint> endpoints = new ArrayList<>();
        networks.fields().forEachRemaining(one -> {
            ContainerJson.Endpoint endpoint = new ContainerJson.Endpoint(one.getKey(), (ObjectNode) one.getValue());
            if (one.getKey().equals(host.path("NetworkMode").asText())) {
                endpoints.addFirst(endpoint);
            } else {
                endpoints.add(endpoint);
            }
        });
        return endpoints;
    }
}
