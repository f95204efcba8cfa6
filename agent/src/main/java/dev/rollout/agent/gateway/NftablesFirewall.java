package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Chains of nftables that an administrator has written, in /etc/nftables.conf say, and that drop what they do not know. Our
 * rules stand where such a chain is about to drop: whatever it says before holds for these ports as for others.
 */
final class NftablesFirewall implements Firewall {
    private static final Set<String> FAMILIES = Set.of("ip", "ip6", "inet");

    private final String mark;
    private List<Route> told = List.of();

    /** @param mark how the comment of each of our rules begins */
    NftablesFirewall(String mark) {
        this.mark = mark;
    }

    @Override
    public void admit(List<Route> routes) throws IOException {
        told = routes;
        String changes = changes(routes);
        if (!changes.isEmpty()) {
            Tool.changeNft(changes);
        }
    }

    @Override
    public boolean holds() {
        return told.isEmpty() || changes(told).isEmpty();
    }

    /** What is missing, and what is too much. */
    private String changes(List<Route> routes) {
        StringBuilder changes = new StringBuilder();
        for (JsonNode each : Tool.nft("chains")) {
            JsonNode chain = each.path("chain");
            String family = chain.path("family").asText();
            String where = family + " " + chain.path("table").asText() + " "
                    + chain.path("name").asText();
            if (FAMILIES.contains(family)
                    && chain.path("hook").asText().equals("input")
                    && chain.path("type").asText().equals("filter")
                    && !chain.path("table").asText().equals(Firewalld.TABLE)
                    && !chain.path("name")
                            .asText()
                            .equals("INPUT")) { // that of iptables, which reads no rules but its own
                changes.append(changes(chain, where, family, routes));
            }
        }
        return changes.toString();
    }

    private String changes(JsonNode chain, String where, String family, List<Route> routes) {
        Map<String, String> rules = new LinkedHashMap<>();
        for (Route route : routes) {
            if (family.equals("inet") || route.hostIp().isEmpty() || family.equals("ip6") == route.ipv6()) {
                rules.put(mark + " " + route.listen(), rule(route));
            }
        }
        Map<String, String> ours = new LinkedHashMap<>(); // handles by comment
        String before = "";
        for (JsonNode each : Tool.nft("chain", where.split(" "))) {
            JsonNode rule = each.path("rule");
            String comment = rule.path("comment").asText();
            if (comment.startsWith(mark + " ")) {
                ours.put(comment, rule.path("handle").asText());
            } else if (before.isEmpty() && dropsAll(rule.path("expr"))) {
                before = "handle " + rule.path("handle").asText();
            }
        }
        if (before.isEmpty() && !chain.path("policy").asText().equals("drop")) {
            rules.clear();
        }
        StringBuilder changes = new StringBuilder();
        ours.forEach((comment, handle) -> {
            if (rules.remove(comment) == null) {
                changes.append("delete rule %s handle %s\n".formatted(where, handle));
            }
        });
        for (Map.Entry<String, String> rule : rules.entrySet()) {
            changes.append("%s rule %s %s %s accept comment \"%s\"\n"
                    .formatted(before.isEmpty() ? "add" : "insert", where, before, rule.getValue(), rule.getKey()));
        }
        return changes.toString();
    }

    /** By where it was sent to: what is redirected to another port as well. */
    private static String rule(Route route) {
        String ip = route.ipv6() ? "ip6" : "ip";
        return "meta l4proto tcp ct direction original ct original proto-dst " + route.port()
                + (route.hostIp().isEmpty()
                        ? ""
                        : " ct original " + ip + " daddr " + PacketFilter.destination(route.hostIp()));
    }

    /** Whether nothing that comes to this rule goes on from it. */
    private static boolean dropsAll(JsonNode expressions) {
        boolean drops = false;
        for (JsonNode expression : expressions) {
            if (expression.has("drop") || expression.has("reject")) {
                drops = true;
            } else if (!expression.has("counter") && !expression.has("log")) {
                return false; // it is for some alone
            }
        }
        return drops;
    }
}
