package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Tree;
import dev.rollout.agent.rollout.ContainerEngine;
import dev.rollout.agent.rollout.EngineRefused;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The body of a create call, from the canonical model: the same as {@code docker compose create} sends, so that the
 * container is one of Compose's.
 */
final class ContainerJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final ServiceSpec spec;
    private final Tree service;
    private final Tree project;
    private final DockerApi.Version api;
    private final Function<String, List<String>> containersOf;

    /** @param containersOf the ids or names of the containers of another service of the project */
    ContainerJson(ServiceSpec spec, DockerApi.Version api, Function<String, List<String>> containersOf) {
        this.spec = spec;
        this.service = spec.definition();
        this.project = new Tree(spec.project().tree());
        this.api = api;
        this.containersOf = containersOf;
    }

    /** A network of the service: the Engine's name and the endpoint's settings. */
    record Endpoint(String network, ObjectNode settings) {}

    ObjectNode body(
            Revision revision, String image, ContainerEngine.Birth birth, Map<String, String> inheritedVolumes) {
        checkVersion();
        ObjectNode body = NODES.objectNode();
        text(body, "Hostname", "hostname");
        text(body, "Domainname", "domainname");
        text(body, "User", "user");
        body.put("AttachStdout", true).put("AttachStderr", true);
        flag(body, "Tty", "tty");
        flag(body, "OpenStdin", "stdin_open");
        ArrayNode env = body.putArray("Env");
        service.map("environment").forEach((name, value) -> env.add(value == null ? name : name + "=" + value));
        birth.injection().environment().forEach((name, value) -> env.add(name + "=" + value));
        command(body, "Cmd", "command");
        command(body, "Entrypoint", "entrypoint");
        body.put("Image", image);
        text(body, "WorkingDir", "working_dir");
        text(body, "StopSignal", "stop_signal");
        if (service.text("stop_grace_period") != null) {
            body.put(
                    "StopTimeout",
                    service.duration("stop_grace_period", Duration.ZERO).toSeconds());
        }
        if (service.text("mac_address") != null && api.compareTo(new DockerApi.Version(1, 44)) < 0) {
            text(body, "MacAddress", "mac_address");
        }
        body.set("Labels", labels(revision, birth));
        if (service.at("healthcheck").isPresent()) {
            body.set("Healthcheck", healthcheck(service.at("healthcheck")));
        }
        ports(body);
        ObjectNode host = body.putObject("HostConfig");
        host(host, birth, inheritedVolumes);
        List<Endpoint> endpoints = endpoints(birth);
        if (!endpoints.isEmpty()) {
            ObjectNode configs = body.putObject("NetworkingConfig").putObject("EndpointsConfig");
            configs.set(endpoints.getFirst().network(), endpoints.getFirst().settings());
        }
        return body;
    }

    private void checkVersion() {
        List<Tree> volumes = service.list("volumes");
        List<Tree> networks =
                service.map("networks").values().stream().map(Tree::new).toList();
        needs("annotations", 43, service.at("annotations").isPresent());
        needs(
                "healthcheck.start_interval",
                44,
                service.at("healthcheck", "start_interval").isPresent());
        needs("volumes.bind.recursive", 44, any(volumes, "bind", "recursive"));
        needs("volumes.volume.subpath", 45, any(volumes, "volume", "subpath"));
        needs("volumes (type: image)", 48, volumes.stream().anyMatch(volume -> "image".equals(volume.text("type"))));
        needs("networks.gw_priority", 48, any(networks, "gw_priority"));
        needs("networks.interface_name", 49, any(networks, "interface_name"));
    }

    private static boolean any(List<Tree> trees, String... keys) {
        return trees.stream().anyMatch(tree -> tree.at(keys).isPresent());
    }

    private void needs(String key, int minor, boolean used) {
        if (used) {
            api.needs(minor, "services." + spec.key().service() + "." + key);
        }
    }

    private void text(ObjectNode into, String name, String key) {
        String value = service.text(key);
        if (value != null) {
            into.put(name, value);
        }
    }

    private void flag(ObjectNode into, String name, String key) {
        if (service.flag(key)) {
            into.put(name, true);
        }
    }

    private void command(ObjectNode into, String name, String key) {
        if (service.at(key).isPresent()) {
            into.set(name, array(service.texts(key)));
        }
    }

    private static ArrayNode array(List<String> texts) {
        ArrayNode array = NODES.arrayNode();
        texts.forEach(array::add);
        return array;
    }

    private ObjectNode labels(Revision revision, ContainerEngine.Birth birth) {
        Map<String, String> labels = new TreeMap<>();
        service.map("labels").forEach((name, value) -> labels.put(name, String.valueOf(value)));
        labels.put(Labels.PROJECT, spec.key().project());
        labels.put(Labels.SERVICE, spec.key().service());
        labels.put(Labels.NUMBER, Integer.toString(birth.slot()));
        labels.put(Labels.ONE_OFF, "False");
        labels.put(Labels.CONFIG_HASH, revision.configHash());
        labels.put(Labels.CONFIG_FILES, String.join(",", spec.project().files()));
        labels.put(Labels.WORKING_DIR, spec.project().workingDirectory());
        if (!spec.project().envFiles().isEmpty()) {
            labels.put(Labels.ENV_FILES, String.join(",", spec.project().envFiles()));
        }
        List<String> dependencies = new ArrayList<>();
        service.map("depends_on")
                .forEach((name, condition) -> dependencies.add(name + ":" + new Tree(condition).text("condition") + ":"
                        + new Tree(condition).flag("restart")));
        labels.put(Labels.DEPENDS_ON, String.join(",", dependencies));
        labels.put(Labels.IMAGE, revision.imageId());
        labels.put(Labels.VERSION, Labels.COMPOSE_VERSION);
        labels.put(Labels.ROLLOUT, birth.rollout());
        labels.put(Labels.GENERATION, Long.toString(birth.generation()));
        labels.put(Labels.AGENT, birth.agent());
        ObjectNode node = NODES.objectNode();
        labels.forEach(node::put);
        return node;
    }

    private static ObjectNode healthcheck(Tree health) {
        ObjectNode node = NODES.objectNode();
        node.set("Test", array(health.flag("disable") ? List.of("NONE") : health.texts("test")));
        for (Map.Entry<String, String> name : Map.of(
                        "Interval",
                        "interval",
                        "Timeout",
                        "timeout",
                        "StartPeriod",
                        "start_period",
                        "StartInterval",
                        "start_interval")
                .entrySet()) {
            if (health.text(name.getValue()) != null) {
                node.put(
                        name.getKey(),
                        health.duration(name.getValue(), Duration.ZERO).toNanos());
            }
        }
        if (health.at("retries").isPresent()) {
            node.put("Retries", health.integer("retries", 0));
        }
        return node;
    }

    private void ports(ObjectNode body) {
        ObjectNode exposed = NODES.objectNode();
        service.texts("expose").forEach(exposed::putObject);
        service.list("ports")
                .forEach(port -> exposed.putObject(port.text("target") + "/" + port.text("protocol", "tcp")));
        if (!exposed.isEmpty()) {
            body.set("ExposedPorts", exposed);
        }
    }

    private void host(ObjectNode host, ContainerEngine.Birth birth, Map<String, String> inheritedVolumes) {
        if (birth.publish()) {
            ObjectNode bindings = host.putObject("PortBindings");
            service.list("ports")
                    .forEach(port -> bindings.withArray(port.text("target") + "/" + port.text("protocol", "tcp"))
                            .addObject()
                            .put("HostIp", port.text("host_ip", ""))
                            .put("HostPort", port.text("published", "")));
        }
        host.putObject("RestartPolicy").put("Name", "no");
        String mode = networkMode();
        host.put("NetworkMode", mode);
        if (mode.equals("bridge") || mode.equals("default")) { // elsewhere they are the endpoint's
            host.set("Links", array(links()));
        }
        new MountsJson(spec).into(host, birth.injection().binds(), inheritedVolumes);
        namespaces(host);
        lists(host, birth);
        new ResourcesJson(service).into(host);
        if (service.at("logging").isPresent()) {
            ObjectNode log = host.putObject("LogConfig")
                    .put("Type", service.at("logging").text("driver", ""));
            service.at("logging")
                    .map("options")
                    .forEach((k, v) -> log.withObject("/Config").put(k, String.valueOf(v)));
        }
        flag(host, "Privileged", "privileged");
        flag(host, "ReadonlyRootfs", "read_only");
        if (service.at("init").isPresent()) {
            host.put("Init", service.flag("init"));
        }
        text(host, "Runtime", "runtime");
        text(host, "Isolation", "isolation");
        stringMap(host, "Sysctls", "sysctls");
        stringMap(host, "StorageOpt", "storage_opt");
        stringMap(host, "Annotations", "annotations");
        for (String tmpfs : service.texts("tmpfs")) {
            String[] parts = tmpfs.split(":", 2);
            host.withObject("/Tmpfs").put(parts[0], parts.length > 1 ? parts[1] : "");
        }
    }

    private void stringMap(ObjectNode host, String name, String key) {
        if (service.at(key).isPresent()) {
            ObjectNode node = host.putObject(name);
            service.map(key).forEach((k, v) -> node.put(k, String.valueOf(v)));
        }
    }

    private void namespaces(ObjectNode host) {
        namespace(host, "IpcMode", "ipc");
        namespace(host, "PidMode", "pid");
        text(host, "UTSMode", "uts");
        text(host, "UsernsMode", "userns_mode");
        text(host, "CgroupParent", "cgroup_parent");
        text(host, "CgroupnsMode", "cgroup");
    }

    private void namespace(ObjectNode host, String name, String key) {
        String mode = service.text(key);
        if (mode != null) {
            host.put(name, mode.startsWith("service:") ? "container:" + containerOf(mode.substring(8)) : mode);
        }
    }

    private String containerOf(String other) {
        List<String> containers = containersOf.apply(other);
        if (containers.isEmpty()) {
            throw new EngineRefused(
                    0,
                    "the service '" + other + "' has no container, but "
                            + spec.key().service() + " shares a namespace or volumes with it; roll it first");
        }
        return containers.getFirst();
    }

    private void lists(ObjectNode host, ContainerEngine.Birth birth) {
        for (Map.Entry<String, String> list : Map.of(
                        "CapAdd",
                        "cap_add",
                        "CapDrop",
                        "cap_drop",
                        "Dns",
                        "dns",
                        "DnsOptions",
                        "dns_opt",
                        "DnsSearch",
                        "dns_search",
                        "SecurityOpt",
                        "security_opt",
                        "DeviceCgroupRules",
                        "device_cgroup_rules")
                .entrySet()) {
            if (service.at(list.getValue()).isPresent()) {
                host.set(list.getKey(), array(service.texts(list.getValue())));
            }
        }
        List<String> groups = new ArrayList<>(service.texts("group_add"));
        groups.addAll(birth.injection().groups());
        if (!groups.isEmpty()) {
            host.set("GroupAdd", array(groups));
        }
        host.set(
                "ExtraHosts",
                array(service.texts("extra_hosts").stream()
                        .map(host1 -> host1.replaceFirst("=", ":"))
                        .toList()));
        List<String> from = service.texts("volumes_from").stream()
                .map(source -> {
                    if (source.startsWith("container:")) {
                        return source.substring(10);
                    }
                    String[] parts = source.split(":", 2);
                    return containerOf(parts[0]) + (parts.length > 1 ? ":" + parts[1] : "");
                })
                .toList();
        if (!from.isEmpty()) {
            host.set("VolumesFrom", array(from));
        }
    }

    private String networkMode() {
        String mode = service.text("network_mode");
        if (mode != null) {
            return mode.startsWith("service:") ? "container:" + containerOf(mode.substring(8)) : mode;
        }
        List<String> networks = byPriority();
        return networks.isEmpty() ? "none" : networkName(networks.getFirst());
    }

    private List<String> byPriority() {
        return service.map("networks").keySet().stream()
                .sorted(Comparator.comparing(
                                (String name) -> -service.at("networks", name).integer("priority", 0))
                        .thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    private String networkName(String key) {
        return project.at("networks", key).text("name", key);
    }

    /** The service's networks, the first one is part of the create call, the others are connected before the start. */
    List<Endpoint> endpoints(ContainerEngine.Birth birth) {
        if (service.text("network_mode") != null) {
            return List.of();
        }
        List<Endpoint> endpoints = new ArrayList<>();
        for (String key : byPriority()) {
            Tree wanted = service.at("networks", key);
            ObjectNode settings = NODES.objectNode();
            List<String> aliases = new ArrayList<>();
            aliases.add(spec.containerName(birth.slot()));
            aliases.add(spec.key().service());
            aliases.addAll(wanted.texts("aliases"));
            settings.set("Aliases", array(aliases));
            List<String> links = links();
            if (!links.isEmpty()) {
                settings.set("Links", array(links));
            }
            if (wanted.text("ipv4_address") != null
                    || wanted.text("ipv6_address") != null
                    || wanted.at("link_local_ips").isPresent()) {
                ObjectNode ipam = settings.putObject("IPAMConfig");
                ipam.put("IPv4Address", wanted.text("ipv4_address", ""));
                ipam.put("IPv6Address", wanted.text("ipv6_address", ""));
                if (wanted.at("link_local_ips").isPresent()) {
                    ipam.set("LinkLocalIPs", array(wanted.texts("link_local_ips")));
                }
            }
            ObjectNode options = MAPPER.valueToTree(wanted.map("driver_opts"));
            if (wanted.text("interface_name") != null) {
                options.put("com.docker.network.endpoint.ifname", wanted.text("interface_name"));
            }
            if (!options.isEmpty()) {
                settings.set("DriverOpts", options);
            }
            if (wanted.at("gw_priority").isPresent()) {
                settings.put("GwPriority", wanted.whole("gw_priority", 0));
            }
            String mac = wanted.text("mac_address");
            if (mac == null && endpoints.isEmpty() && api.compareTo(new DockerApi.Version(1, 44)) >= 0) {
                mac = service.text("mac_address");
            }
            if (mac != null) {
                settings.put("MacAddress", mac);
            }
            endpoints.add(new Endpoint(networkName(key), settings));
        }
        return endpoints;
    }

    private List<String> links() {
        List<String> links = new ArrayList<>();
        for (String link : service.texts("links")) {
            String[] parts = link.split(":", 2);
            for (String container : containersOf.apply(parts[0])) {
                links.add(container + ":" + parts[parts.length - 1]);
                links.add(container + ":"
                        + container.replaceFirst("^" + spec.key().project() + "[-_]", ""));
                links.add(container + ":" + container);
            }
        }
        for (String link : service.texts("external_links")) {
            links.add(link.contains(":") ? link : link + ":" + link);
        }
        return links;
    }

    /** The command of the service's own healthcheck, if it has one. */
    static List<String> healthTest(com.fasterxml.jackson.databind.JsonNode config) {
        List<String> test = new ArrayList<>();
        config.path("Healthcheck").path("Test").forEach(word -> test.add(word.asText()));
        return test.isEmpty() || test.getFirst().equals("NONE") ? List.of() : Readiness.healthCommand(test);
    }
}
