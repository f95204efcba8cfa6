package dev.rollout.agent.gateway;

import java.io.IOException;

/**
 * Leads new connections of a host port to another one, in a chain of our own of the packet filter: what Docker's rules
 * would do with them does not matter then, and connections that exist go on where they are.
 *
 * <p>Needs root. The chain is made anew at every start, and so cleans up after a crash.
 */
final class Redirect {
    private final IptablesRedirect iptables;
    private final NftablesRedirect nftables;

    /** @param chain its name, which tells the gateways of a host apart */
    Redirect(String chain) {
        iptables = new IptablesRedirect(chain);
        nftables = new NftablesRedirect(chain);
    }

    /** Removes all that was ever redirected. */
    void clear() {
        iptables.clear();
        nftables.clear();
    }

    /** @throws IOException where it is not allowed, or the packet filter is not there */
    void add(String hostIp, int from, int to) throws IOException {
        if (NftablesRedirect.isWanted()) {
            nftables.add(hostIp, from, to);
        } else {
            iptables.add(hostIp, from, to);
        }
    }

    void remove(String hostIp, int from, int to) {
        iptables.remove(hostIp, from, to);
        nftables.remove(hostIp, from, to);
    }
}
