package dev.rollout.agent.gateway;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Docker's rules that lead the connections of host ports to containers, as they are when they are first asked for. */
final class DockersRules {
    /** The address that a rule is for; one without is for all. */
    private static final Pattern ADDRESS = Pattern.compile(" (?:-d|daddr) ([^ /]+)");

    private final Map<PacketFilter, List<String>> rules = new EnumMap<>(PacketFilter.class);

    /** Whether one leads the connections of that port. */
    boolean lead(String hostIp, int port) {
        Pattern led = Pattern.compile("dport " + port + " .*(-j DNAT|dnat to)");
        return PacketFilter.of(hostIp).stream()
                .flatMap(filter -> rules.computeIfAbsent(filter, PacketFilter::dockers).stream())
                .filter(led.asPredicate())
                .map(ADDRESS::matcher)
                .anyMatch(of -> hostIp.isEmpty() || !of.find() || of.group(1).equals(hostIp));
    }
}
