package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.ServiceKey;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All ports of this gateway. A change is in force, and on disk, when the call returns. */
final class Router {
    private static final Logger LOG = LoggerFactory.getLogger(Router.class);

    private static final long LEAVE_LOOK_MILLIS = 1000;
    private static final long BUSY_LOOK_MILLIS = 50;
    private static final long DYING_NANOS = TimeUnit.MILLISECONDS.toNanos(1500);
    private static final long DYING_LOOK_MILLIS = 50;

    private record Open(Port port, Listener listener) {}

    private final Vertx vertx;
    private final RouteFile file;
    private final Redirect redirect;
    private final Admittance admittance;
    private final int loops;
    private final Map<String, Open> open = new LinkedHashMap<>();
    private final List<Open> leaving = new ArrayList<>(); // nobody's any more, with connections that came before
    private @Nullable Elder elder;
    private List<PortStatus> before = List.of(); // what those have counted that this one took over from

    Router(Vertx vertx, RouteFile file, Redirect redirect, Admittance admittance, int loops) {
        this.vertx = vertx;
        this.file = file;
        this.redirect = redirect;
        this.admittance = admittance;
        this.loops = loops;
    }

    /**
     * Takes up the routes that were there before, and says whether there were any. One that cannot be had again is tried
     * with the next change; so is one that has outlived its instances, where another has the port by now: what is asked
     * there is that one's to answer.
     */
    synchronized boolean restore() throws IOException, InterruptedException {
        redirect.clear();
        List<Route> routes = file.read();
        admittance.to(routes.stream());
        List<Route> outlived = routes.stream().filter(Router::isOutlived).toList();
        DockersRules docker = new DockersRules();
        routes.stream().filter(route -> !outlived.contains(route)).forEach(route -> listenAgain(route, docker));
        long start = System.nanoTime();
        for (Route route : outlived) {
            boolean still = true;
            while (still && System.nanoTime() - start < DYING_NANOS) { // it may be a dying gateway's
                Thread.sleep(DYING_LOOK_MILLIS);
                still = isOutlived(route);
            }
            if (still) {
                LOG.warn("{} is another's, and none of the instances that it led to is there", route.listen());
            } else {
                listenAgain(route, new DockersRules());
            }
        }
        return !routes.isEmpty();
    }

    private void listenAgain(Route route, DockersRules docker) {
        try {
            listen(route, docker);
        } catch (IOException e) {
            LOG.error("{}", e.getMessage());
        }
    }

    private static boolean isOutlived(Route route) {
        try {
            Listener.checkFree(route.hostIp(), route.port());
            return false;
        } catch (IOException held) {
            return route.backends().stream().filter(Route.Backend::known).noneMatch(Neighbour::accepts);
        }
    }

    /** Listens beside another gateway that has all these ports: new connections come here when this returns. */
    synchronized void takeOver() throws IOException {
        redirect.clear();
        List<Route> routes = file.read();
        admittance.to(routes.stream());
        DockersRules docker = new DockersRules();
        for (Route route : routes) {
            listen(route, docker);
        }
    }

    /** Hands every change on to the one that this one takes over from, until that is gone. */
    synchronized void succeed(Elder other) {
        elder = other;
    }

    /** It is gone: what it has counted is counted on. */
    synchronized void alone() {
        before = elder == null
                ? List.of()
                : elder.status().stream().map(PortStatus::past).toList();
        elder = null;
    }

    /** The pid of the one that this one takes over from; 0 where it is gone. */
    synchronized long elder() {
        return elder == null ? 0 : elder.pid();
    }

    /** @throws IOException while a port is being taken over: another gateway would undo that */
    synchronized void checkSettled() throws IOException {
        for (Open one : open.values()) {
            if (one.listener().isBeside() || one.port().handedOver()) {
                throw new IOException(one.port().route().listen() + " is just being taken over; try again in a moment");
            }
        }
    }

    /** Another gateway has the new connections: those that are kept alive are told to come again. */
    synchronized void leave() {
        open.values().forEach(one -> one.port().handedOver(true));
    }

    /** The other gateway has died: this one's ports are its own again, but for those that it has left to Docker. */
    synchronized void comeBack() {
        redirect.clear();
        open.values().forEach(one -> {
            one.port().handedOver(false);
            if (one.port().route().parked()) {
                stepAside(one);
            }
        });
    }

    private static void stepAside(Open one) {
        try {
            one.listener().stepAside();
        } catch (IOException e) {
            LOG.error("{} is not left to Docker: {}", one.port().route().listen(), e.getMessage());
        }
    }

    /** Whether there is nothing to lead, now or after a restart, and nobody to wait for. */
    synchronized boolean idle() {
        try {
            return all().isEmpty() && elder == null && file.read().isEmpty();
        } catch (IOException e) {
            return false; // there may be something to lead
        }
    }

    /** Open connections of clients. */
    synchronized int connections() {
        return all().stream().mapToInt(one -> one.port().connections.get()).sum();
    }

    /** Ends what an instance is still busy with. How much it was. */
    synchronized int cut(String instance) {
        int sum = cut(target -> target.backend.instance().equals(instance));
        return elder == null ? sum : sum + elder.cut(instance);
    }

    /** Ends whatever is still asked here. How much it was. */
    synchronized int cutAll() {
        return cut(target -> true);
    }

    private int cut(Predicate<Target> which) {
        int sum = 0;
        for (Open one : all()) {
            for (Target target : one.port().all()) {
                sum += which.test(target) ? one.port().cut(target, false) : 0;
            }
        }
        return sum;
    }

    /** The last words of the one that this one takes over from. */
    synchronized void left(JsonNode words) {
        if (elder != null) {
            elder.left(words);
        }
    }

    /**
     * Gives a service these routes and no others.
     *
     * @throws IOException where a port cannot be had; the service keeps the routes that it had
     */
    synchronized void put(String project, String service, List<Route> routes) throws IOException {
        if (open.values().stream().anyMatch(one -> one.port().handedOver())) {
            routes.forEach(this::point); // the new connections and the file are the heir's
            without(project, service, routes).forEach(this::close);
            return;
        }
        List<String> fresh = new ArrayList<>();
        admittance.to(Stream.concat(routes(), routes.stream())); // first: what comes at once is let in
        try {
            DockersRules docker = new DockersRules();
            for (Route route : routes) {
                if (listen(route, docker)) {
                    fresh.add(route.listen());
                }
            }
        } catch (IOException e) {
            fresh.forEach(this::close);
            open.values().forEach(Router::settle); // one may have stepped aside
            admittance.to(routes());
            throw e;
        }
        routes.forEach(this::point);
        if (elder != null) {
            elder.point(project, service, routes);
        }
        without(project, service, routes).forEach(this::close);
        admittance.to(routes());
        write();
    }

    /** The ports of a service that it does not have by these routes. */
    private List<String> without(String project, String service, List<Route> routes) {
        return routes().filter(route -> route.of(project, service)
                        && routes.stream().noneMatch(kept -> kept.listen().equals(route.listen())))
                .map(Route::listen)
                .toList();
    }

    /** Sees to it that clients come in. Not while another gateway does. */
    synchronized void admit() {
        if (open.values().stream().noneMatch(one -> one.port().handedOver())) {
            admittance.again(routes());
        }
    }

    /** What a firewall has said that does not let clients in; empty where all come in. */
    String firewall() {
        return admittance.refused();
    }

    private Stream<Route> routes() {
        return open.values().stream().map(one -> one.port().route());
    }

    private void write() throws IOException {
        file.write(routes().toList());
    }

    /** Writes the routes again where somebody has removed them: the agent knows of no others, and they are what a crash needs. */
    synchronized void keep() {
        boolean heirs = open.values().stream().anyMatch(one -> one.port().handedOver());
        if (!heirs && !open.isEmpty() && !file.isThere()) {
            try {
                write();
                LOG.warn("the file of the routes was gone: written again");
            } catch (IOException e) {
                LOG.debug("the file of the routes is gone: {}", e.toString()); // its folder, too
            }
        }
    }

    /** The containers that are led to, each with its address, which is empty where it is not known. */
    synchronized Map<String, String> addresses() {
        Map<String, String> addresses = new HashMap<>();
        open.values().stream()
                .flatMap(one -> one.port().route().backends().stream())
                .forEach(backend -> addresses.put(backend.instance(), backend.host()));
        return addresses;
    }

    /** One has ended: requests wait until somebody tells where it is, or that it is gone. */
    synchronized void ended(String container) throws IOException {
        Map<String, Optional<String>> now = new HashMap<>();
        addresses()
                .forEach((instance, address) ->
                        now.put(instance, Optional.of(instance.equals(container) ? "" : address)));
        follow(now);
    }

    /** The containers are where this says, or gone; nothing is changed where it says nothing of one. @see Route#follow */
    synchronized void follow(Map<String, Optional<String>> addresses) throws IOException {
        if (!addresses.keySet().containsAll(addresses().keySet())) {
            return; // an agent was here meanwhile
        }
        Map<ServiceKey, List<Route>> services = new LinkedHashMap<>();
        for (Open one : open.values()) {
            Route route = one.port().route();
            services.computeIfAbsent(new ServiceKey(route.project(), route.service()), key -> new ArrayList<>())
                    .add(route);
        }
        for (Map.Entry<ServiceKey, List<Route>> service : services.entrySet()) {
            List<Route> next = Route.follow(service.getValue(), addresses::get);
            if (!next.equals(service.getValue())) {
                put(service.getKey().project(), service.getKey().service(), next);
            }
        }
    }

    private void point(Route route) {
        Open one = open.get(route.listen());
        if (one != null) {
            one.port().point(route);
            settle(one);
        }
    }

    private static void settle(Open one) {
        if (!one.port().route().parked()) {
            one.listener().takeWhenFree();
        } else if (one.port().handedOver()) {
            one.listener().giveUp(); // the heir leads past it
        }
    }

    /** Makes sure of a route's port, and that Docker has it where that is wanted. True where it was not there before. */
    private boolean listen(Route route, DockersRules docker) throws IOException {
        Open there = open.get(route.listen());
        if (there != null) {
            Route now = there.port().route();
            if (!now.of(route.project(), route.service())) {
                throw new IOException(
                        route.listen() + " belongs to " + now.project() + "/" + now.service() + " in the gateway");
            }
            if (route.parked()) {
                there.listener().stepAside();
            }
            return false;
        }
        Port port = new Port(vertx, route);
        Listener listener = new Listener(vertx, port, redirect, loops);
        try {
            listener.open(docker);
        } catch (IOException e) {
            listener.close(); // it may listen beside the port already
            throw e;
        }
        open.put(route.listen(), new Open(port, listener));
        return true;
    }

    /**
     * Nobody new comes by a port; what it is busy with it may finish. Where Docker has the port, clients have connections
     * here that they take for its: those are answered on, and told to come again.
     */
    private void close(String listen) {
        Open gone = open.remove(listen);
        if (gone == null) {
            return;
        }
        boolean goesOn = gone.listener().leave();
        if (!goesOn) {
            gone.port().point(gone.port().route().to(List.of()));
        }
        gone.port().handedOver(true);
        leaving.add(gone);
        Thread.ofVirtual().name("leave").start(() -> end(gone, goesOn));
    }

    private void end(Open gone, boolean goesOn) {
        try {
            if (goesOn) {
                long start = System.nanoTime();
                do {
                    Thread.sleep(LEAVE_LOOK_MILLIS); // first: a connection may just be on its way here
                } while (gone.port().connections.get() > 0 && System.nanoTime() - start < GatewayProcess.RETIRE_NANOS);
            } else {
                while (gone.port().busy()) { // until its instances are done, or cut
                    Thread.sleep(BUSY_LOOK_MILLIS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            leaving.remove(gone);
            Set<List<String>> there = all().stream()
                    .map(one -> PortStatus.of(one.port(), one.listener()).key())
                    .collect(Collectors.toSet());
            before = before.stream().filter(row -> there.contains(row.key())).toList();
        }
        gone.listener().close();
    }

    private List<Open> all() {
        List<Open> all = new ArrayList<>(open.values());
        all.addAll(leaving);
        return all;
    }

    /** What each port does now, and has done; of one that two gateways serve, together. */
    synchronized List<PortStatus> status() {
        Map<List<String>, PortStatus> rows = new LinkedHashMap<>();
        for (Open one : all()) {
            PortStatus row = PortStatus.of(one.port(), one.listener());
            rows.merge(row.key(), row, PortStatus::plus);
        }
        for (PortStatus row : before) {
            rows.computeIfPresent(row.key(), (key, now) -> now.plus(row));
        }
        if (elder != null) {
            elder.status().forEach(row -> rows.merge(row.key(), row.followed(), PortStatus::plus));
        }
        return List.copyOf(rows.values());
    }

    synchronized void close() {
        if (elder != null) {
            elder.stop(); // first: where this one dies before it, it comes back
        }
        redirect.clear();
        admittance.to(Stream.empty());
    }
}
