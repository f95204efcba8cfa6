package dev.rollout.agent.gateway;

import dev.rollout.agent.model.PortPolicy;
import dev.rollout.agent.model.ProxyProtocol;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a published port leads. The file, the wire and the router share this one shape.
 *
 * @param hostIp the address to listen on; empty is all of them
 * @param target the port in the container
 * @param policy how its traffic is led
 * @param adopt whether the port may still be held by a container that Docker published: its new connections are
 *     redirected until the port is free
 * @param paused whether requests wait though there are backends
 * @param parked whether Docker is to have the port: connections are redirected past it for as long as the route is there
 */
public record Route(
        String project,
        String service,
        String hostIp,
        int port,
        int target,
        Mode mode,
        PortPolicy policy,
        boolean adopt,
        boolean paused,
        boolean parked,
        List<Backend> backends) {

    /** What is understood of the traffic. */
    public enum Mode {
        HTTP,
        TCP
    }

    /**
     * @param instance the container's id
     * @param host its address; empty while it has none, or none that is known: it is led to when that is told
     * @param proxyProtocol how it is told who a plain connection's client is; null where its version does not ask for it
     */
    public record Backend(
            String instance,
            String host,
            int port,
            @Nullable ProxyProtocol proxyProtocol) {
        Backend(String instance, String host, int port) {
            this(instance, host, port, null);
        }

        boolean known() {
            return !host.isEmpty();
        }

        Backend at(String address) {
            return new Backend(instance, address, port, proxyProtocol);
        }
    }

    /** Whether its address is one of IPv6; false where it has all. */
    boolean ipv6() {
        return hostIp.contains(":");
    }

    /** Where it listens, as a person writes it. */
    public String listen() {
        return (hostIp.isEmpty() ? "*" : hostIp) + ":" + port;
    }

    /** The same with other backends. */
    Route to(List<Backend> others) {
        return new Route(project, service, hostIp, port, target, mode, policy, adopt, paused, parked, others);
    }

    /** The same with another's backends, too. */
    Route and(Route other) {
        return to(Stream.concat(backends.stream(), other.backends.stream()).toList());
    }

    /**
     * The routes of one service as its containers are now: none where all are gone ({@code docker compose down}), whose
     * ports are given back then.
     *
     * @param address of a container: a text that is empty while it does not run; nothing where it is gone
     */
    static List<Route> follow(List<Route> routes, Function<String, Optional<String>> address) {
        List<Route> now = routes.stream()
                .map(route -> route.to(route.backends().stream()
                        .flatMap(one -> address.apply(one.instance()).map(one::at).stream())
                        .toList()))
                .toList();
        return leads(routes) && !leads(now) ? List.of() : now;
    }

    private static boolean leads(List<Route> routes) {
        return routes.stream().anyMatch(route -> !route.backends().isEmpty());
    }

    Route paused(boolean pause) {
        return new Route(project, service, hostIp, port, target, mode, policy, adopt, pause, parked, backends);
    }

    boolean of(String otherProject, String otherService) {
        return project.equals(otherProject) && service.equals(otherService);
    }
}
