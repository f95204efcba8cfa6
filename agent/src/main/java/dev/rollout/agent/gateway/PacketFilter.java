package dev.rollout.agent.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The host's packet filter, by the tools of iptables; for root. */
enum PacketFilter {
    IPV4("iptables", "ip"),
    IPV6("ip6tables", "ip6");

    private final String tool;
    private final String family;

    PacketFilter(String tool, String family) {
        this.tool = tool;
        this.family = family;
    }

    /** Those that connections to an address come through. */
    static List<PacketFilter> of(String hostIp) {
        return hostIp.isEmpty() ? all() : List.of(hostIp.contains(":") ? IPV6 : IPV4);
    }

    /** The address that a port is published on, as rules have it: all of a family are a network. */
    static String destination(String hostIp) {
        return hostIp.equals("0.0.0.0") || hostIp.equals("::") ? hostIp + "/0" : hostIp;
    }

    /** Those of this host. */
    static List<PacketFilter> all() {
        return Files.exists(Path.of("/proc/net/if_inet6")) ? List.of(IPV4, IPV6) : List.of(IPV4);
    }

    /** @throws IOException where it refuses, or is not there */
    void run(String table, String... arguments) throws IOException {
        Tool.run(
                Stream.concat(Stream.of(tool, "-w", "-t", table), Stream.of(arguments))
                        .toList(),
                "");
    }

    boolean has(String table, String chain) {
        return quiet(table, "-n", "-L", chain);
    }

    /** Docker's rules that lead to containers, as the tool of its backend says them. */
    List<String> dockers() {
        return Stream.concat(
                        Tool.lines(tool, "-w", "-t", "nat", "-S", "DOCKER"),
                        Tool.lines("nft", "list", "table", family, NftablesRedirect.DOCKERS))
                .toList();
    }

    /** Removes a chain of ours and the jumps to it. Mostly there is none, which one question tells. */
    void remove(String table, String chain, List<String> hooks, String... match) {
        if (!has(table, chain)) {
            return;
        }
        for (String hook : hooks) {
            quiet(
                    table,
                    Stream.of(Stream.of("-D", hook), Stream.of(match), Stream.of("-j", chain))
                            .flatMap(part -> part)
                            .toArray(String[]::new));
        }
        quiet(table, "-F", chain);
        quiet(table, "-X", chain);
    }

    boolean quiet(String table, String... arguments) {
        try {
            run(table, arguments);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Gives a chain these rules and no others, in one step.
     *
     * @throws IOException where it refuses, or is not there; the chain is as it was then
     */
    void chain(String table, String chain, List<String> rules) throws IOException {
        StringBuilder text = new StringBuilder("*" + table + "\n:" + chain + " - [0:0]\n");
        rules.forEach(rule ->
                text.append("-A ").append(chain).append(' ').append(rule).append('\n'));
        Tool.run(List.of(tool + "-restore", "-w", "--noflush"), text + "COMMIT\n");
    }
}
