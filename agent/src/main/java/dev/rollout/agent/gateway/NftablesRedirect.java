package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;

/**
 * Redirections in a table of our own of nftables, whose chains come before those of an Engine that writes its rules with
 * nftables itself: of two chains of one priority the one that was there last comes first, which may be either's.
 */
final class NftablesRedirect {
    /** Docker's, of either family, from Engine 29 on where its firewall-backend is nftables. */
    static final String DOCKERS = "docker-bridges";

    private static final String FAMILY = "inet";
    private static final int BEFORE_DOCKER = -110; // who has dstnat, -100
    private static final List<String> HOOKS = List.of("prerouting", "output");

    private final String table;

    NftablesRedirect(String table) {
        this.table = table;
    }

    /** Whether Docker's rules are in nftables; false where there is no tool to tell. */
    static boolean isWanted() {
        return !Tool.nftTable(DOCKERS).isEmpty();
    }

    void clear() {
        quietly("delete table " + FAMILY + " " + table);
    }

    void add(String hostIp, int from, int to) throws IOException {
        StringBuilder changes = new StringBuilder("add table %s %s\n".formatted(FAMILY, table));
        String address = hostIp.isEmpty()
                ? ""
                : (hostIp.contains(":") ? "ip6" : "ip") + " daddr " + PacketFilter.destination(hostIp);
        for (String hook : HOOKS) {
            changes.append("add chain %s %s %s { type nat hook %s priority %d; }\n"
                            .formatted(FAMILY, table, hook, hook, BEFORE_DOCKER))
                    .append("add rule %s %s %s fib daddr type local %s tcp dport %d dnat to :%d comment \"%s\"\n"
                            .formatted(FAMILY, table, hook, address, from, to, name(hostIp, from, to)));
        }
        Tool.changeNft(changes.toString());
    }

    void remove(String hostIp, int from, int to) {
        for (JsonNode each : Tool.nft("table", FAMILY, table)) {
            JsonNode rule = each.path("rule");
            if (rule.path("comment").asText().equals(name(hostIp, from, to))) {
                quietly("delete rule %s %s %s handle %s"
                        .formatted(
                                FAMILY,
                                table,
                                rule.path("chain").asText(),
                                rule.path("handle").asText()));
            }
        }
    }

    private static String name(String hostIp, int from, int to) {
        return (hostIp.isEmpty() ? "*" : hostIp) + " " + from + " to " + to;
    }

    private static void quietly(String change) {
        try {
            Tool.changeNft(change + "\n");
        } catch (IOException e) {
            // there is no such thing, or no tool
        }
    }
}
