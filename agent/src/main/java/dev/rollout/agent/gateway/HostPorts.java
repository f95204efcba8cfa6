package dev.rollout.agent.gateway;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.PublishedPort;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The host ports of a service. Where its file leaves a choice ({@code 8000-8010:80}, or only {@code 80}), it keeps those
 * that its routes and its containers have: one a container where Docker chose them, and each leads to all instances then.
 * One that has none gets the first that is free.
 */
final class HostPorts {
    private final List<Route> routes;
    private final List<Instance> observed;
    private final Set<Integer> given = new TreeSet<>();

    /** @param routes of all services */
    HostPorts(List<Route> routes, List<Instance> observed) {
        this.routes = routes;
        this.observed = observed;
    }

    /**
     * For each port of the file the numbers on the host; none where nothing is free.
     *
     * @throws IOException where the kernel gives no port
     */
    Map<PublishedPort, List<Integer>> of(String project, String service, List<PublishedPort> ports) throws IOException {
        Map<PublishedPort, List<Integer>> numbers = new LinkedHashMap<>();
        for (PublishedPort port : ports) {
            numbers.put(port, new ArrayList<>());
            port.number().ifPresent(number -> give(numbers, port, number));
        }
        List<Route> own =
                routes.stream().filter(route -> route.of(project, service)).toList();
        for (PublishedPort port : ports) {
            if (port.number().isEmpty()) {
                had(port, own).filter(number -> !given.contains(number)).forEach(number -> give(numbers, port, number));
            }
        }
        for (PublishedPort port : ports) {
            if (numbers.getOrDefault(port, List.of()).isEmpty()) {
                free(port).limit(1).forEach(number -> give(numbers, port, number));
            }
        }
        return numbers;
    }

    private void give(Map<PublishedPort, List<Integer>> numbers, PublishedPort port, int number) {
        given.add(number);
        numbers.computeIfAbsent(port, first -> new ArrayList<>()).add(number);
    }

    private IntStream had(PublishedPort port, List<Route> own) {
        IntStream led = own.stream()
                .filter(route ->
                        route.target() == port.target() && route.hostIp().equals(port.hostIp()))
                .mapToInt(Route::port);
        IntStream published = observed.stream()
                .flatMap(instance -> instance.hostPorts().stream())
                .filter(one -> one.target() == port.target())
                .mapToInt(Instance.HostPort::number);
        return IntStream.concat(led, published).filter(port::allows).distinct().sorted();
    }

    private IntStream free(PublishedPort port) throws IOException {
        IntPredicate ours = number -> given.contains(number) || routes.stream().anyMatch(one -> one.port() == number);
        return port.any()
                ? IntStream.of(Listener.freePort())
                : port.choice().filter(ours.negate().and(number -> isFree(port, number)));
    }

    private static boolean isFree(PublishedPort port, int number) {
        try {
            Listener.checkFree(port.hostIp(), number);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
