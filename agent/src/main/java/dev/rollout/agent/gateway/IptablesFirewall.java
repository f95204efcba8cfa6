package dev.rollout.agent.gateway;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The rules that ufw and administrators write with iptables. What they forbid for Docker's ports, in {@code DOCKER-USER},
 * is forbidden for these as well.
 */
final class IptablesFirewall implements Firewall {
    private static final String TABLE = "filter";
    private static final String HOOK = "INPUT";

    private final PacketFilter filter;
    private final String chain;
    private boolean opened;

    /** @param chain the name of the one that is ours */
    IptablesFirewall(PacketFilter filter, String chain) {
        this.filter = filter;
        this.chain = chain;
    }

    @Override
    public void admit(List<Route> routes) throws IOException {
        List<Route> its = routes.stream()
                .filter(route -> PacketFilter.of(route.hostIp()).contains(filter))
                .toList();
        if (its.isEmpty()) {
            shut();
            return;
        }
        try {
            filter.run(TABLE, "-n", "-L", HOOK);
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).contains("incompatible")) {
                throw e; // somebody has written there with nft
            }
            return; // neither the tool, then, nor a table
        }
        open(its);
    }

    @Override
    public boolean holds() {
        return !opened || hooked();
    }

    private boolean hooked() {
        return filter.quiet(TABLE, "-C", HOOK, "-j", chain);
    }

    private void open(List<Route> routes) throws IOException {
        boolean docker = filter.has(TABLE, "DOCKER-USER");
        List<String> rules = new ArrayList<>();
        for (Route route : routes) {
            // as it came: what is redirected to another port as well
            String those = "-p tcp -m conntrack --ctdir ORIGINAL --ctorigdstport " + route.port()
                    + (route.hostIp().isEmpty() ? "" : " --ctorigdst " + PacketFilter.destination(route.hostIp()));
            if (docker) {
                rules.add(those + " -j DOCKER-USER");
            }
            rules.add(those + " -j ACCEPT");
        }
        filter.chain(TABLE, chain, rules);
        if (!hooked()) {
            filter.run(TABLE, "-I", HOOK, "1", "-j", chain);
        }
        opened = true;
    }

    private void shut() {
        opened = false;
        filter.remove(TABLE, chain, List.of(HOOK));
    }
}
