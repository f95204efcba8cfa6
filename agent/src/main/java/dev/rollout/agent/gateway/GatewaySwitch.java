package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.PortPolicy;
import dev.rollout.agent.model.PublishedPort;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.rollout.ClientCounts;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.EngineUnavailable;
import dev.rollout.agent.rollout.Served;
import dev.rollout.agent.rollout.TrafficSwitch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The traffic of published ports, through the gateway's process. */
public final class GatewaySwitch implements TrafficSwitch, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GatewaySwitch.class);
    private static final long PARK_NANOS = 2 * GatewayProcess.RETIRE_NANOS;
    private static final long PARK_LOOK_MILLIS = 50;

    private final GatewayKeeper keeper;

    public GatewaySwitch(Folders folders) {
        this.keeper = new GatewayKeeper(folders);
    }

    @Override
    public Optional<String> refusal(ServiceSpec spec, List<Instance> observed) {
        if (!spec.publishesPorts()) {
            return Optional.empty();
        }
        if (!routes(spec)) {
            return unspoken(spec)
                    .map(port -> port + ": set deploy.update_config.order to start-first, and the gateway leads it");
        }
        String away =
                ": set deploy.update_config.order to stop-first (or give --order stop-first); the instance is away"
                        + " for the time of one restart then";
        if (spec.definition().text("network_mode") != null) {
            return Optional.of("publishes ports and has a network_mode, so its containers have no address of their own"
                    + " that the gateway could lead to" + away);
        }
        boolean adopted = observed.stream().anyMatch(Instance::published);
        if (adopted && !Folders.byRoot()) {
            return Optional.of("holds its ports through Docker, and taking them over without a gap needs root" + away);
        }
        for (PublishedPort port : spec.publishedPorts()) {
            for (PortPolicy.Certificate pair : port.policy().tls()) {
                for (String file : List.of(pair.cert(), pair.key())) {
                    if (!Files.isReadable(Path.of(file))) {
                        return Optional.of("publishes " + port.published() + " with TLS, and " + file
                                + " cannot be read: x-rollout.ports names files of this host");
                    }
                }
            }
            if (!port.protocol().equals("tcp")) {
                return Optional.of("publishes " + port.published() + "/" + port.protocol()
                        + ", and the gateway leads tcp only" + away);
            }
        }
        return hostPorts(spec, observed).entrySet().stream()
                .flatMap(port -> refusal(port.getKey(), port.getValue(), spec, adopted).stream())
                .findFirst();
    }

    private Optional<String> refusal(PublishedPort port, List<Integer> numbers, ServiceSpec spec, boolean adopted) {
        if (port.number().isEmpty()) {
            return numbers.isEmpty()
                    ? Optional.of("publishes " + port.target() + " on one of " + port.published()
                            + ", and none of them is free")
                    : Optional.empty();
        }
        int number = port.number().getAsInt();
        Optional<Route> ours = keeper.routes().stream()
                .filter(route -> route.port() == number && route.hostIp().equals(port.hostIp()))
                .findFirst();
        if (ours.isPresent()) {
            return ours.get().of(spec.key().project(), spec.key().service())
                    ? Optional.empty()
                    : Optional.of(
                            "publishes " + number + ", which the gateway leads to "
                                    + ours.get().project() + "/" + ours.get().service()
                                    + ": take that service down first (docker compose rm --stop --force), or publish another port");
        }
        return adopted ? Optional.empty() : taken(port.hostIp(), number);
    }

    private static Optional<String> taken(String hostIp, int number) {
        try {
            Listener.checkFree(hostIp, number);
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("publishes " + number + ", which cannot be had (" + e.getMessage() + ")"
                    + Holder.of(number).map(who -> ": it is held by " + who).orElse("")
                    + ". Free it, or publish another one");
        }
    }

    /** What keeps clients from the ports that the gateway leads. */
    public Optional<String> alarm() {
        return Optional.of(keeper.look().path("firewall").asText()).filter(refused -> !refused.isEmpty());
    }

    @Override
    public boolean routes(ServiceSpec spec) {
        return spec.update().order() == Order.START_FIRST || leads(spec.key());
    }

    @Override
    public boolean leads(ServiceKey key) {
        return !of(key).isEmpty();
    }

    @Override
    public void prepare() {
        keeper.prepare();
    }

    @Override
    public void point(ServiceSpec spec, List<Instance> observed, List<Served> targets) {
        List<Served> reachable = targets.stream()
                .filter(target -> !target.instance().published())
                .toList();
        if (reachable.isEmpty() && !targets.isEmpty()) { // Docker leads to them itself
            if (leads(spec.key())) {
                led(spec, observed, targets, false); // for those who are here; nobody new comes that way
            }
            release(spec.key());
        } else {
            lead(spec, observed, reachable, false);
        }
    }

    @Override
    public Optional<String> refusalToRelease(ServiceSpec spec) {
        if (!leads(spec.key())) {
            return Optional.of("has no ports that the gateway leads, so there is nothing to hand back;"
                    + " 'rollout gateway status' shows those that have");
        }
        for (PublishedPort port : spec.publishedPorts()) {
            if (port.number().isEmpty()) {
                return Optional.of("leaves the host port of " + port.target() + " open, and Docker would choose another"
                        + " than its clients know: its ports stay with the gateway");
            }
        }
        Optional<String> unspoken = unspoken(spec);
        if (unspoken.isPresent()) {
            return unspoken.map(port -> port + ": roll it without that first");
        }
        if (spec.replicas() > 1) {
            return Optional.of("has " + spec.replicas() + " replicas, and Docker can give a host port to one container"
                    + " only: its ports stay with the gateway");
        }
        return Folders.byRoot()
                ? Optional.empty()
                : Optional.of("holds its ports through the gateway, and handing them back without a gap needs root:"
                        + " 'docker compose up -d --force-recreate' after 'rollout gateway stop' is the way with one");
    }

    /** What the gateway speaks on a port, and Docker would not: one of the two sides understands nobody then. */
    private static Optional<String> unspoken(ServiceSpec spec) {
        for (PublishedPort port : spec.publishedPorts()) {
            String what = port.proxyProtocol() != null
                    ? "proxy_protocol"
                    : port.policy().tls().isEmpty() ? "" : "tls";
            if (!what.isEmpty()) {
                return Optional.of(
                        "publishes " + port.target() + " with " + what + ", which Docker's own port does not speak");
            }
        }
        return Optional.empty();
    }

    @Override
    public void park(ServiceSpec spec, List<Served> targets) {
        lead(spec, List.of(), targets, true);
        long end = System.nanoTime() + PARK_NANOS;
        while (!parked(spec.key())) {
            if (System.nanoTime() > end) {
                throw new EngineRefused(
                        0, "the gateway does not make room for Docker on the ports of " + spec.key() + "; see its log");
            }
            try {
                Thread.sleep(PARK_LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new EngineRefused(0, "the gateway: interrupted");
            }
        }
    }

    /** Whether the host's ports are free: held neither by the gateway that runs nor by the one that it took over from. */
    private boolean parked(ServiceKey key) {
        JsonNode now = keeper.call("GET", "/v1/routes", null);
        boolean free = now.path("elder").asLong() == 0;
        for (JsonNode route : routes(now, key)) {
            free &= route.path("redirectedFrom").asInt() != 0;
        }
        return free;
    }

    @Override
    public synchronized void release(ServiceKey key) {
        put(key, List.of());
    }

    private void lead(ServiceSpec spec, List<Instance> observed, List<Served> reachable, boolean parked) {
        if (led(spec, observed, reachable, parked)) {
            keeper.renew(); // a gateway that listens in the new way takes over; other services need not wait for that
        }
    }

    /** The ports of each version that serves lead to what is made of it; where two have one, it is the first's. */
    private synchronized boolean led(
            ServiceSpec spec, List<Instance> observed, List<Served> reachable, boolean parked) {
        boolean paused = of(spec.key()).stream().anyMatch(Route::paused); // until it is resumed
        Map<ServiceSpec, List<Instance>> versions = new LinkedHashMap<>();
        if (reachable.isEmpty()) {
            versions.put(spec, List.of());
        }
        reachable.forEach(target -> versions.computeIfAbsent(target.spec(), first -> new ArrayList<>())
                .add(target.instance()));
        Map<String, Route> routes = new LinkedHashMap<>();
        versions.forEach((version, instances) -> hostPorts(version, observed).forEach((port, numbers) -> {
            if (numbers.isEmpty()) {
                throw new EngineRefused(0, "none of the host ports " + port.published() + " is free");
            }
            List<Route.Backend> backends = instances.stream()
                    .map(target -> new Route.Backend(target.id(), address(target), port.target(), port.proxyProtocol()))
                    .toList();
            for (int number : numbers) {
                Route route = new Route(
                        version.key().project(),
                        version.key().service(),
                        port.hostIp(),
                        number,
                        port.target(),
                        port.http() ? Route.Mode.HTTP : Route.Mode.TCP,
                        port.policy(),
                        true,
                        paused,
                        parked,
                        backends);
                routes.merge(route.listen(), route, Route::and);
            }
        }));
        return put(spec.key(), List.copyOf(routes.values()));
    }

    private Map<PublishedPort, List<Integer>> hostPorts(ServiceSpec spec, List<Instance> observed) {
        try {
            return new HostPorts(keeper.routes(), observed)
                    .of(spec.key().project(), spec.key().service(), spec.publishedPorts());
        } catch (IOException e) {
            throw new EngineRefused(0, "no free port can be had: " + e.getMessage());
        }
    }

    private static String address(Instance target) {
        return Objects.requireNonNull(target.address(), "a running container on a network has an address");
    }

    /** @return whether a port is still served in another way than its route wants */
    private boolean put(ServiceKey key, List<Route> routes) {
        if (routes.isEmpty() && !leads(key)) {
            return false;
        }
        JsonNode now = keeper.call("PUT", "/v1/routes/" + key.project() + "/" + key.service(), routes);
        return routes(now, key).stream().anyMatch(route -> route.path("stale").asBoolean());
    }

    /** A container of a service has come or gone. */
    public void follow(ServiceKey key, String container, Function<String, Optional<Instance>> find) {
        boolean ledTo = of(key).stream()
                .flatMap(route -> route.backends().stream())
                .anyMatch(backend -> backend.instance().equals(container));
        if (ledTo) { // mostly not: a candidate, or a previous that has been left
            follow(key, find);
        }
    }

    /** Containers may have come and gone unseen. */
    public void followAll(Function<String, Optional<Instance>> find) {
        try {
            keeper.routes().stream()
                    .map(route -> new ServiceKey(route.project(), route.service()))
                    .distinct()
                    .forEach(key -> follow(key, find));
        } catch (EngineRefused e) {
            LOG.error("{}", e.getMessage());
        }
    }

    /**
     * What is led to has its address of now, and none while it does not run: that may be another's.
     */
    private synchronized void follow(ServiceKey key, Function<String, Optional<Instance>> find) {
        try {
            List<Route> now = of(key);
            Map<String, Optional<String>> addresses = new HashMap<>(); // each is asked for once
            List<Route> next = Route.follow(
                    now,
                    one -> addresses.computeIfAbsent(
                            one, id -> find.apply(id).map(found -> Objects.requireNonNullElse(found.address(), ""))));
            if (!next.equals(now)) {
                put(key, next);
            }
        } catch (EngineRefused | EngineUnavailable e) {
            LOG.warn("the ports of {} are led as before: {}", key, e.getMessage());
        }
    }

    @Override
    public boolean pause(ServiceKey key) {
        return hold(key, true);
    }

    @Override
    public boolean resume(ServiceKey key) {
        return hold(key, false);
    }

    private synchronized boolean hold(ServiceKey key, boolean paused) {
        List<Route> routes = of(key);
        put(key, routes.stream().map(route -> route.paused(paused)).toList());
        return !routes.isEmpty();
    }

    private List<Route> of(ServiceKey key) {
        return keeper.routes().stream()
                .filter(route -> route.of(key.project(), key.service()))
                .toList();
    }

    @Override
    public int inFlight(ServiceKey key, String instance) {
        int sum = 0;
        for (JsonNode route : status(key)) {
            for (JsonNode target : route.path("targets")) {
                sum += target.path("instance").asText().equals(instance)
                        ? target.path("inFlight").asInt()
                        : 0;
            }
        }
        return sum;
    }

    @Override
    public int cut(ServiceKey key, String instance) {
        return status(key).isEmpty()
                ? 0
                : keeper.call("POST", "/v1/cut/" + instance, null).path("cut").asInt();
    }

    @Override
    public ClientCounts counts(ServiceKey key) {
        long[] sums = new long[4];
        SortedMap<Long, Long> micros = new TreeMap<>();
        for (JsonNode route : status(key)) {
            sums[0] += route.path("requests").asLong();
            sums[1] += route.path("errors").asLong();
            sums[2] += route.path("retries").asLong();
            sums[3] += route.path("held").asLong();
            route.path("micros")
                    .fields()
                    .forEachRemaining(one -> micros.merge(
                            Long.valueOf(one.getKey()), one.getValue().asLong(), Long::sum));
        }
        return new ClientCounts(sums[0], sums[1], sums[2], sums[3], micros);
    }

    /** Of the ports that the gateway has, and of those that it has just handed back. */
    private List<JsonNode> status(ServiceKey key) {
        return routes(leads(key) ? keeper.call("GET", "/v1/routes", null) : keeper.look(), key);
    }

    private static List<JsonNode> routes(JsonNode status, ServiceKey key) {
        List<JsonNode> routes = new ArrayList<>();
        for (JsonNode route : status.path("routes")) {
            if (route.path("project").asText().equals(key.project())
                    && route.path("service").asText().equals(key.service())) {
                routes.add(route);
            }
        }
        return routes;
    }

    @Override
    public void close() {
        keeper.close();
    }
}
