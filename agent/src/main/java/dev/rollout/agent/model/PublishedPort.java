package dev.rollout.agent.model;

import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A port of a service that the host publishes.
 *
 * @param hostIp empty: all addresses
 * @param published as the file has it: a number, a range, or empty where Docker chooses
 * @param http whether HTTP is spoken on it, as far as the file tells
 * @param proxyProtocol how an instance is told who a plain connection's client is; null where it is not
 * @param policy how its traffic is led
 */
public record PublishedPort(
        String hostIp,
        String published,
        int target,
        String protocol,
        boolean http,
        @Nullable ProxyProtocol proxyProtocol,
        PortPolicy policy) {

    static PublishedPort of(Tree port, Tree own, Readiness readiness) {
        String published = port.text("published", "");
        int target = port.integer("target", 0);
        Tree policy = own.at("ports", name(published, port.text("target", "")));
        boolean probed = readiness.check() instanceof Readiness.Check.Http http && http.port() == target;
        return new PublishedPort(
                port.text("host_ip", ""),
                published,
                target,
                port.text("protocol", "tcp"),
                policy.text("mode", probed ? "http" : "tcp").equals("http"),
                ProxyProtocol.of(policy.text("proxy_protocol")),
                PortPolicy.of(policy));
    }

    /** What {@code x-rollout.ports} calls it: as it is published, else the port in the container. */
    public static String name(String published, String target) {
        return published.isEmpty() ? target : published;
    }

    /** The host ports that it may have, from and to; empty where any will do. */
    private int[] range() {
        return published.isEmpty() || published.equals("0")
                ? new int[0]
                : Stream.of(published.split("-", 2)).mapToInt(Integer::parseInt).toArray();
    }

    /** The host ports to choose from; empty where any will do. */
    public IntStream choice() {
        int[] range = range();
        return range.length == 0 ? IntStream.empty() : IntStream.rangeClosed(range[0], range[range.length - 1]);
    }

    /** Whether the file leaves the host port to Docker. */
    public boolean any() {
        return range().length == 0;
    }

    /** Whether this may be the host port. */
    public boolean allows(int number) {
        int[] range = range();
        return any() || range[0] <= number && number <= range[range.length - 1];
    }

    /** The host port; empty where it is a range or Docker's choice. */
    public OptionalInt number() {
        int[] range = range();
        return range.length == 1 ? OptionalInt.of(range[0]) : OptionalInt.empty();
    }
}
