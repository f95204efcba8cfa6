package dev.rollout.agent.model;

import java.util.OptionalInt;

/**
 * A port of a service that the host publishes.
 *
 * @param hostIp empty: all addresses
 * @param published as the file has it: a number, a range, or empty where Docker chooses
 * @param http whether HTTP is spoken on it, as far as the file tells
 * @param policy how its traffic is led
 */
public record PublishedPort(
        String hostIp, String published, int target, String protocol, boolean http, PortPolicy policy) {

    static PublishedPort of(Tree port, Tree own, Readiness readiness) {
        String published = port.text("published", "");
        int target = port.integer("target", 0);
        Tree policy = own.at("ports", published);
        boolean probed = readiness.check() instanceof Readiness.Check.Http http && http.port() == target;
        return new PublishedPort(
                port.text("host_ip", ""),
                published,
                target,
                port.text("protocol", "tcp"),
                policy.text("mode", probed ? "http" : "tcp").equals("http"),
                PortPolicy.of(policy));
    }

    /** The host port; empty where it is a range or Docker's choice. */
    public OptionalInt number() {
        return published.matches("[1-9]\\d{0,4}") ? OptionalInt.of(Integer.parseInt(published)) : OptionalInt.empty();
    }
}
