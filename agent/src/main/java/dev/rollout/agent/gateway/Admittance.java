package dev.rollout.agent.gateway;

import dev.rollout.agent.model.Folders;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets clients in to the ports of the gateway where the host's firewall (ufw, say) drops what comes in. A port that Docker
 * publishes is forwarded, past all that; held by a process of the host it would be shut. What an administrator forbids for
 * Docker's ports, in {@code DOCKER-USER}, is forbidden here as well.
 */
final class Admittance {
    private static final Logger LOG = LoggerFactory.getLogger(Admittance.class);
    private static final String TABLE = "filter";
    private static final String HOOK = "INPUT";

    private final String chain;
    private final Set<PacketFilter> opened = EnumSet.noneOf(PacketFilter.class);
    private Set<String> admitted = Set.of();

    /** @param chain its name, which tells the gateways of a host apart */
    Admittance(String chain) {
        this.chain = chain;
    }

    /** Lets in to these, and to no others any more. What cannot be done is logged: there may be no firewall at all. */
    void to(Stream<Route> routes) {
        Map<String, Route> wanted = new TreeMap<>();
        routes.filter(route -> !local(route)).forEach(route -> wanted.put(route.listen(), route));
        if (!Folders.byRoot() || wanted.keySet().equals(admitted)) {
            return;
        }
        for (PacketFilter filter : PacketFilter.all()) {
            List<Route> its = wanted.values().stream()
                    .filter(route -> PacketFilter.of(route.hostIp()).contains(filter))
                    .toList();
            try {
                if (its.isEmpty()) {
                    shut(filter);
                } else {
                    open(filter, its);
                }
            } catch (IOException e) {
                LOG.warn("a firewall is not opened for {}: {}", wanted.keySet(), e.getMessage());
            }
        }
        admitted = Set.copyOf(wanted.keySet());
    }

    /** A firewall that drops what comes in whatever is let in here, with what to do; nothing where there is none, or none to be seen. */
    static Optional<String> other() {
        String table = "";
        for (String line : PacketFilter.chains()) {
            if (line.startsWith("table ")) {
                table = line.replace(" {", "").strip();
            }
            boolean iptables = table.equals("table ip filter") || table.equals("table ip6 filter");
            boolean input = line.contains("hook input");
            if (input && (line.contains("policy drop") && !iptables || table.endsWith(" firewalld"))) {
                return Optional.of(
                        "the firewall in '" + table
                                + "' decides by itself who comes in to the ports that the gateway leads"
                                + " (Docker's are forwarded, past it): let them in, by 'nft insert rule' there, or firewall-cmd --add-port");
            }
        }
        return Optional.empty();
    }

    /** Lets in to these again, where a firewall that was loaded anew has forgotten them. */
    void again(Stream<Route> routes) {
        if (opened.stream().anyMatch(filter -> !hooked(filter))) {
            LOG.warn("the firewall has forgotten who is let in: told again");
            admitted = Set.of();
            to(routes);
        }
    }

    private boolean hooked(PacketFilter filter) {
        return filter.quiet(TABLE, "-C", HOOK, "-j", chain);
    }

    private static boolean local(Route route) {
        return route.hostIp().startsWith("127.") || route.hostIp().equals("::1");
    }

    private void open(PacketFilter filter, List<Route> routes) throws IOException {
        boolean docker = filter.quiet(TABLE, "-n", "-L", "DOCKER-USER");
        List<String> rules = new ArrayList<>();
        for (Route route : routes) {
            // as it came: what is redirected to another port as well
            String those = "-p tcp -m conntrack --ctdir ORIGINAL --ctorigdstport " + route.port()
                    + (route.hostIp().isEmpty() ? "" : " --ctorigdst " + route.hostIp());
            if (docker) {
                rules.add(those + " -j DOCKER-USER");
            }
            rules.add(those + " -j ACCEPT");
        }
        filter.chain(TABLE, chain, rules);
        if (!hooked(filter)) {
            filter.run(TABLE, "-I", HOOK, "1", "-j", chain);
        }
        opened.add(filter);
    }

    private void shut(PacketFilter filter) {
        opened.remove(filter);
        filter.quiet(TABLE, "-D", HOOK, "-j", chain);
        filter.quiet(TABLE, "-F", chain);
        filter.quiet(TABLE, "-X", chain);
    }
}
