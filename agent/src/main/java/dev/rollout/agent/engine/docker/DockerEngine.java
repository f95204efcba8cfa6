package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.dockerjava.transport.DockerHttpClient.Request;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Isolation;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Template;
import dev.rollout.agent.rollout.Asker;
import dev.rollout.agent.rollout.ContainerEngine;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.wire.ContainerAddress;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** A Docker Engine, API 1.41 and newer. */
public final class DockerEngine implements ContainerEngine, AutoCloseable {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final int LAST_LINES = 20;
    private static final int MAX_OUTPUT = 64 * 1024;
    private static final Duration STOP_MARGIN = Duration.ofSeconds(20);

    private final DockerApi api;
    private final ExitWatch exits;
    private final Execs execs;
    private final Images images;
    private final Parking parking;
    private final KeptImages kept;
    private final Namespaces namespaces;
    private final ComposeInUse compose;

    /** @param environment of the agent: DOCKER_CONFIG and what a build needs, where nobody else asks */
    public DockerEngine(URI host, Map<String, String> environment) {
        api = new DockerApi(host);
        exits = new ExitWatch(api);
        execs = new Execs(api);
        images = new Images(api, asker -> new OnBehalf(asker, environment, host));
        parking = new Parking(api);
        kept = new KeptImages(api);
        namespaces = new Namespaces(api);
        compose = new ComposeInUse(api, environment);
    }

    /** The daemon's version and the API version that is spoken with it. */
    public String describe() {
        return "Docker Engine " + api.get("/version").path("Version").asText("?") + ", API " + api.version();
    }

    @Override
    public Isolation isolation() {
        JsonNode info = api.info();
        String options = info.path("SecurityOptions").toString();
        if (options.contains("\"name=rootless\"")) {
            return Isolation.ofOwn();
        }
        return options.contains("\"name=userns\"")
                ? Isolation.ofFolder(info.path("DockerRootDir").asText())
                : Isolation.NONE;
    }

    @Override
    public List<Instance> instances(ServiceKey key) {
        List<Instance> found = new ArrayList<>();
        for (JsonNode container : api.list(
                Labels.PROJECT + "=" + key.project(),
                Labels.SERVICE + "=" + key.service(),
                Labels.ONE_OFF + "=False")) {
            found.add(instance(container));
        }
        return found;
    }

    private static Instance instance(JsonNode container) {
        String address = ContainerAddress.of(container);
        return instance(
                container.path("Id").asText(),
                container.path("Names").path(0).asText(),
                container.path("Labels"),
                container.path("ImageID").asText(),
                container.path("Image").asText(),
                container.path("State").asText(),
                address,
                container.path("Created").asLong(),
                hostPorts(container.path("Ports")));
    }

    private static Instance instance(
            String id,
            String name,
            JsonNode labels,
            String imageId,
            String image,
            String state,
            String address,
            long created,
            List<Instance.HostPort> hostPorts) {
        return new Instance(
                id,
                name.startsWith("/") ? name.substring(1) : name,
                labels.path(Labels.NUMBER).asInt(1),
                labels.path(Labels.GENERATION).asLong(0),
                labels.path(Labels.ROLLOUT).asText(""),
                labels.path(Labels.AGENT).asText(""),
                labels.path(Labels.CONFIG_HASH).asText(""),
                imageId,
                image,
                switch (state) {
                    case "running" -> Instance.State.RUNNING;
                    case "created" -> Instance.State.CREATED;
                    case "restarting" -> Instance.State.RESTARTING;
                    case "paused" -> Instance.State.PAUSED;
                    default -> Instance.State.EXITED;
                },
                address.isEmpty() ? null : address,
                created,
                hostPorts);
    }

    private static List<Instance.HostPort> hostPorts(JsonNode ports) {
        Set<Instance.HostPort> found =
                new LinkedHashSet<>(); // one that is published for IPv4 and for IPv6 is there twice
        for (JsonNode port : ports) {
            if (port.has("PublicPort")) {
                found.add(new Instance.HostPort(
                        port.path("PublicPort").asInt(),
                        port.path("PrivatePort").asInt()));
            }
        }
        return List.copyOf(found);
    }

    /** As it was made: one that does not run has no ports now. */
    private static List<Instance.HostPort> bindings(JsonNode bindings) {
        Set<Instance.HostPort> wanted = new LinkedHashSet<>();
        bindings.fields()
                .forEachRemaining(port -> port.getValue()
                        .forEach(host -> wanted.add(new Instance.HostPort(
                                host.path("HostPort").asInt(),
                                Integer.parseInt(port.getKey().replaceFirst("/.*", ""))))));
        return List.copyOf(wanted);
    }

    /**
     * Calls back with a container of a Compose service that was started, has died or was removed.
     *
     * @param unseen is called when that may have happened unseen
     */
    public void onChange(BiConsumer<ServiceKey, String> taker, Runnable unseen) {
        exits.onChange(taker, unseen);
    }

    @Override
    public Optional<Instance> find(String id) {
        return api.inspect(id).map(found -> {
            String address = ContainerAddress.of(found);
            return instance(
                    found.path("Id").asText(),
                    found.path("Name").asText(),
                    found.at("/Config/Labels"),
                    found.path("Image").asText(),
                    found.at("/Config/Image").asText(),
                    found.at("/State/Status").asText(),
                    address,
                    0,
                    bindings(found.at("/HostConfig/PortBindings")));
        });
    }

    @Override
    public Revision prepare(ServiceSpec spec, Asker asker, Consumer<String> progress) {
        kept.keep(spec.key()); // what is pulled or built may take their name
        String image = images.ensure(spec, asker, progress);
        new Resources(api, spec).ensure();
        return new Revision(compose.hash(spec), image);
    }

    @Override
    public Optional<Revision> revision(ServiceSpec spec) {
        return images.id(spec.image()).map(image -> new Revision(compose.hash(spec), image));
    }

    @Override
    public Instance create(ServiceSpec spec, Revision revision, Birth birth) {
        Optional<TemplateJson> template = Optional.ofNullable(spec.template()).map(TemplateJson::new);
        String name = template.map(TemplateJson::image).orElseGet(spec::image);
        String image = images.id(name).filter(revision.imageId()::equals).isPresent()
                ? name
                : revision.imageId(); // the tag has moved on meanwhile
        ContainerJson json = new ContainerJson(spec, api.version(), service -> containersOf(spec, service));
        Map<String, String> volumes = anonymousVolumes(spec, birth);
        ObjectNode body = json.body(revision, image, birth, volumes);
        List<ContainerJson.Endpoint> endpoints = json.endpoints(birth);
        if (template.isPresent()) {
            body = template.get().body(body, birth.injection(), volumes);
            endpoints = template.get().endpoints();
        }
        ExposedPorts.spell(body);
        if (api.version().compareTo(InterfaceSysctls.SINCE) >= 0) {
            InterfaceSysctls.move(body);
        }
        String platform = spec.definition().text("platform", "");
        String id = api.post(
                        "/containers/create?name=" + DockerApi.query(birth.name())
                                + (platform.isEmpty() ? "" : "&platform=" + DockerApi.query(platform)),
                        body)
                .path("Id")
                .asText();
        for (ContainerJson.Endpoint endpoint : endpoints.subList(Math.min(1, endpoints.size()), endpoints.size())) {
            ObjectNode connect = NODES.objectNode().put("Container", id);
            connect.set("EndpointConfig", endpoint.settings());
            api.post("/networks/" + DockerApi.query(endpoint.network()) + "/connect", connect);
        }
        for (MountsJson.CopiedFile file : new MountsJson(spec).copiedFiles()) {
            api.put("/containers/" + id + "/archive?path=%2F", Tar.of(file));
        }
        return find(id).orElseThrow(() -> new EngineRefused(404, "the container " + birth.name() + " vanished"));
    }

    private List<String> containersOf(ServiceSpec spec, String service) {
        return instances(new ServiceKey(spec.key().project(), service)).stream()
                .filter(Instance::running)
                .map(Instance::name)
                .toList();
    }

    /** The anonymous volumes of the instance in the same slot: Compose carries them over, by target. */
    private Map<String, String> anonymousVolumes(ServiceSpec spec, Birth birth) {
        Map<String, String> volumes = new LinkedHashMap<>();
        instances(spec.key()).stream()
                .filter(old -> old.slot() == birth.slot() && !old.rollout().equals(birth.rollout()))
                .findFirst()
                .flatMap(old -> api.inspect(old.id()))
                .ifPresent(old -> {
                    for (JsonNode mount : old.path("Mounts")) {
                        if (mount.path("Type").asText().equals("volume")
                                && mount.path("Name").asText().matches("[0-9a-f]{64}")) {
                            volumes.put(
                                    mount.path("Destination").asText(),
                                    mount.path("Name").asText());
                        }
                    }
                });
        return volumes;
    }

    @Override
    public void start(String id) {
        api.post("/containers/" + id + "/start", null);
    }

    @Override
    public void stop(String id, Duration grace) {
        try {
            api.post("/containers/" + id + "/stop?t=" + grace.toSeconds(), null, grace.plus(STOP_MARGIN));
        } catch (EngineRefused e) {
            ignoreGone(e);
        }
    }

    private static void ignoreGone(EngineRefused e) {
        if (e.status() != 404) {
            throw e;
        }
    }

    @Override
    public void remove(String id) {
        api.remove(id);
    }

    @Override
    public void rename(String id, String name) {
        api.post("/containers/" + id + "/rename?name=" + DockerApi.query(name), null);
    }

    @Override
    public RestartPolicy restartPolicy(String id) {
        return api.inspect(id)
                .map(found -> found.at("/HostConfig/RestartPolicy"))
                .map(policy -> new RestartPolicy(
                        policy.path("Name").asText("").isEmpty()
                                ? "no"
                                : policy.path("Name").asText(),
                        policy.path("MaximumRetryCount").asInt()))
                .orElse(RestartPolicy.NO);
    }

    @Override
    public void setRestartPolicy(String id, RestartPolicy policy) {
        ObjectNode update = NODES.objectNode();
        update.putObject("RestartPolicy").put("Name", policy.name()).put("MaximumRetryCount", policy.maximumRetries());
        api.post("/containers/" + id + "/update", update);
    }

    @Override
    public void signal(String id, String signal) {
        api.post("/containers/" + id + "/kill?signal=" + DockerApi.query(signal), null);
    }

    @Override
    public void touch(String id, String path) {
        execs.touch(id, path);
    }

    @Override
    public Executed exec(String id, Command command, Duration timeout) {
        return execs.run(id, command, timeout);
    }

    @Override
    public CompletableFuture<Exit> exit(String id) {
        return exits.exit(id);
    }

    @Override
    public Autopsy autopsy(String id) {
        Optional<JsonNode> found = api.inspect(id);
        if (found.isEmpty()) {
            return new Autopsy("gone", -1, false, "", List.of());
        }
        JsonNode state = found.get().path("State");
        return new Autopsy(
                state.path("Status").asText(),
                state.path("ExitCode").asInt(),
                state.path("OOMKilled").asBoolean(),
                state.path("Error").asText(""),
                lastLines(id, found.get().at("/Config/Tty").asBoolean()));
    }

    private List<String> lastLines(String id, boolean tty) {
        List<String> lines = new ArrayList<>();
        try {
            api.stream(
                    Request.Method.GET,
                    "/containers/" + id + "/logs?stdout=true&stderr=true&tail=" + LAST_LINES,
                    null,
                    Map.of(),
                    body -> {
                        byte[] bytes = tty ? body.readNBytes(MAX_OUTPUT) : DockerApi.frames(body, MAX_OUTPUT);
                        new String(bytes, StandardCharsets.UTF_8).lines().forEach(lines::add);
                    });
        } catch (EngineRefused e) {
            lines.add("(no log: " + e.getMessage() + ")");
        }
        return lines;
    }

    /** Hands the raw log of a container to the taker, following it if asked. */
    public void logs(String id, String tail, boolean follow, Consumer<byte[]> taker) {
        boolean tty = api.inspect(id)
                .map(found -> found.at("/Config/Tty").asBoolean())
                .orElse(false);
        api.stream(
                Request.Method.GET,
                "/containers/" + id + "/logs?stdout=true&stderr=true&tail=" + DockerApi.query(tail) + "&follow="
                        + follow,
                null,
                Map.of(),
                body -> {
                    byte[] head = new byte[8];
                    while (true) {
                        byte[] chunk;
                        if (tty) {
                            chunk = body.readNBytes(1);
                        } else if (body.readNBytes(head, 0, 8) == 8) {
                            chunk = body.readNBytes(DockerApi.frameLength(head));
                        } else {
                            return;
                        }
                        if (chunk.length == 0) {
                            return;
                        }
                        taker.accept(chunk);
                    }
                });
    }

    @Override
    public int connections(String id, List<Integer> ports) {
        return api.inspect(id)
                .map(found -> Listening.connections(found.at("/State/Pid").asLong(), ports))
                .orElse(0);
    }

    @Override
    public Reach reach(String id) {
        JsonNode found = api.inspect(id).orElseThrow(() -> new EngineRefused(404, "the container is gone"));
        long pid = found.at("/State/Pid").asLong();
        String address = ContainerAddress.of(found);
        String mode = found.at("/HostConfig/NetworkMode").asText();
        boolean others = Namespaces.isAnothers(mode);
        Optional<List<Integer>> own =
                others || mode.equals("host") ? Listening.own(found.path("Id").asText(), pid) : Optional.empty();
        if (mode.equals("host")) {
            address = "127.0.0.1";
        } else if (others) {
            address = reach(mode.substring("container:".length())).address().orElse("");
        }
        return new Reach(
                address.isEmpty() ? Optional.empty() : Optional.of(address),
                pid,
                own.orElseGet(() -> Listening.in(pid)),
                own.isPresent(),
                ContainerJson.healthTest(found.path("Config")),
                exposed(found));
    }

    private static int exposed(JsonNode found) {
        List<String> ports = new ArrayList<>();
        found.at("/Config/ExposedPorts").fieldNames().forEachRemaining(ports::add);
        return ports.stream()
                .filter(port -> port.matches("\\d+(/tcp)?"))
                .mapToInt(port -> Integer.parseInt(port.replace("/tcp", "")))
                .min()
                .orElse(0);
    }

    @Override
    public void park(String id, ServiceSpec spec) {
        parking.park(id, spec);
    }

    @Override
    public Optional<String> folder(String id, String inside) {
        for (JsonNode mount : api.inspect(id).map(found -> found.path("Mounts")).orElse(NODES.arrayNode())) {
            if (mount.path("Destination").asText().equals(inside)) {
                return Optional.of(mount.path("Source").asText());
            }
        }
        return Optional.empty();
    }

    @Override
    public Optional<Template> template(String id) {
        return api.inspect(id).map(TemplateJson::of);
    }

    @Override
    public void unpark(ServiceKey key) {
        parking.unpark(key);
    }

    @Override
    public List<String> namespaceUsers(ServiceKey key, Set<String> ids) {
        return namespaces.users(key.project(), ids);
    }

    @Override
    public boolean namespaceIsLost(String id) {
        return namespaces.areLost(id);
    }

    @Override
    public void keepImages(ServiceKey key) {
        kept.keep(key);
        kept.release();
    }

    /** The services that have a parked previous. */
    public List<String> parked() {
        return parking.parked();
    }

    @Override
    public Memory memory(ServiceSpec spec, List<Instance> observed, int candidates) {
        return new MemoryNeed(api).of(spec, observed, candidates);
    }

    @Override
    public void close() throws IOException {
        exits.close();
        api.close();
    }
}
