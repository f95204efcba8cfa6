package dev.rollout.agent.gateway;

import dev.rollout.agent.model.PortPolicy;
import java.util.List;
import java.util.stream.Stream;

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
     * @param host its address; empty while it has none, or none that is known: it is led to when the agent tells it
     */
    public record Backend(String instance, String host, int port) {
        boolean known() {
            return !host.isEmpty();
        }

        Backend at(String address) {
            return new Backend(instance, address, port);
        }
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

    Route paused(boolean pause) {
        return new Route(project, service, hostIp, port, target, mode, policy, adopt, pause, parked, backends);
    }

    boolean of(String otherProject, String otherService) {
        return project.equals(otherProject) && service.equals(otherService);
    }
}
