package dev.rollout.agent.gateway;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Redirections in a chain of our own of the packet filter's {@code nat} table, before all of Docker's. */
final class IptablesRedirect {
    private static final List<String> HOOKS = List.of("PREROUTING", "OUTPUT");
    private static final String TABLE = "nat";

    private final String chain;

    /** @param chain its name, which tells the gateways of a host apart */
    IptablesRedirect(String chain) {
        this.chain = chain;
    }

    /** Removes all that was ever redirected. */
    void clear() {
        for (PacketFilter filter : PacketFilter.all()) {
            filter.remove(TABLE, chain, HOOKS, "-m", "addrtype", "--dst-type", "LOCAL");
        }
    }

    /** @throws IOException where it is not allowed, or the packet filter is not there */
    void add(String hostIp, int from, int to) throws IOException {
        int done = 0;
        IOException refused = null;
        for (PacketFilter filter : PacketFilter.of(hostIp)) {
            try {
                hook(filter);
                filter.run(TABLE, rule("-A", hostIp, from, to));
                done++;
            } catch (IOException e) {
                refused = refused == null ? e : refused; // a host without IPv6 has no table for it
            }
        }
        if (done == 0 && refused != null) {
            throw refused;
        }
    }

    private void hook(PacketFilter filter) throws IOException {
        if (!filter.has(TABLE, chain)) {
            filter.run(TABLE, "-N", chain);
        }
        for (String hook : HOOKS) { // what loads a firewall anew may have left the chain alone, without its jumps
            if (!filter.quiet(TABLE, "-C", hook, "-m", "addrtype", "--dst-type", "LOCAL", "-j", chain)) {
                filter.run(TABLE, "-I", hook, "1", "-m", "addrtype", "--dst-type", "LOCAL", "-j", chain);
            }
        }
    }

    void remove(String hostIp, int from, int to) {
        for (PacketFilter filter : PacketFilter.of(hostIp)) {
            filter.quiet(TABLE, rule("-D", hostIp, from, to));
        }
    }

    private String[] rule(String verb, String hostIp, int from, int to) {
        List<String> rule = new ArrayList<>(List.of(verb, chain, "-p", "tcp"));
        if (!hostIp.isEmpty()) {
            rule.addAll(List.of("-d", PacketFilter.destination(hostIp)));
        }
        // the address stays: REDIRECT would take the interface's first one, where nobody listens for the others
        rule.addAll(List.of("--dport", Integer.toString(from), "-j", "DNAT", "--to-destination", ":" + to));
        return rule.toArray(String[]::new);
    }
}
