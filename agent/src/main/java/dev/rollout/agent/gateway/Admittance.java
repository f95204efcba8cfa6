package dev.rollout.agent.gateway;

import dev.rollout.agent.model.Folders;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets clients in to the ports of the gateway where a firewall of the host drops what comes in. A port that Docker
 * publishes is forwarded, past all that; held by a process of the host it would be shut.
 */
final class Admittance {
    private static final Logger LOG = LoggerFactory.getLogger(Admittance.class);

    private final List<Firewall> firewalls = new ArrayList<>();
    private @Nullable Set<String> admitted; // unknown at first: one that was killed may have left something
    private volatile String refused = "";

    /** @param mark the name of what is ours, which tells the gateways of a host apart */
    Admittance(String mark) {
        PacketFilter.all().forEach(filter -> firewalls.add(new IptablesFirewall(filter, mark)));
        firewalls.add(new NftablesFirewall(mark));
        firewalls.add(new Firewalld(mark));
    }

    /** Lets in to these, and to no others any more. */
    void to(Stream<Route> routes) {
        Map<String, Route> wanted = new TreeMap<>();
        routes.filter(route -> !local(route)).forEach(route -> wanted.put(route.listen(), route));
        if (!Folders.byRoot() || wanted.keySet().equals(admitted)) {
            return;
        }
        List<String> refusals = new ArrayList<>();
        for (Firewall firewall : firewalls) {
            try {
                firewall.admit(List.copyOf(wanted.values()));
            } catch (IOException e) {
                refusals.add(e.getMessage());
            }
        }
        admitted = Set.copyOf(wanted.keySet());
        tell(refusals.isEmpty() ? "" : "a firewall is not opened for " + wanted.keySet() + ": " + refusals);
    }

    private void tell(String now) {
        if (!now.isEmpty() && !now.equals(refused)) {
            LOG.warn("{}", now);
        }
        refused = now;
    }

    /** Lets in to these again, where a firewall that was loaded anew has forgotten them, or has refused before. */
    void again(Stream<Route> routes) {
        if (!refused.isEmpty() || firewalls.stream().anyMatch(firewall -> !firewall.holds())) {
            admitted = null;
            to(routes);
        }
    }

    /** What a firewall has said that is not opened; empty where clients come in. */
    String refused() {
        return refused;
    }

    private static boolean local(Route route) {
        return route.hostIp().startsWith("127.") || route.hostIp().equals("::1");
    }
}
