package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Chains of nftables that an administrator has written, in /etc/nftables.conf say, and that drop what they do not know. Our
 * rules stand where such a chain is about to drop: whatever it says before holds for these ports as for others.
 */
final class NftablesFirewall implements Firewall {
    private static final Set<String> FAMILIES = Set.of("ip", "ip6", "inet");

    private final String mark;
    private List<Route> told = List.of();

    /** @param mark the comment by which our rules are known */
    NftablesFirewall(String mark) {
        this.mark = mark;
    }

    @Override
    public void admit(List<Route> routes) throws IOException {
        told = routes;
        String changes = changes(routes);
        if (!changes.isEmpty()) {
            Tool.run(List.of("nft", "-f", "-"), changes); // all of them, or none
        }
    }

    @Override
    public boolean holds() {
        return told.isEmpty() || changes(told).isEmpty();
    }

    /** What is missing, and what is too much. */
    private String changes(List<Route> routes) {
        StringBuilder changes = new StringBuilder();
        for (JsonNode each : list("chains")) {
            JsonNode chain = each.path("chain");
            String family = chain.path("family").asText();
            String where = family + " " + chain.path("table").asText() + " "
                    + chain.path("name").asText();
            if (FAMILIES.contains(family)
                    && chain.path("hook").asText().equals("input")
                    && chain.path("type").asText().equals("filter")
                    && !chain.path("table").asText().equals(Firewalld.TABLE)
                    && !where.equals("ip filter INPUT")
                    && !where.equals("ip6 filter INPUT")) {
                changes.append(changes(chain, where, family, routes));
            }
        }
        return changes.toString();
    }

    private String changes(JsonNode chain, String where, String family, List<Route> routes) {
        List<String> rules = routes.stream()
                .filter(route -> family.equals("inet")
                        || route.hostIp().isEmpty()
                        || family.equals("ip6") == route.hostIp().contains(":"))
                .map(this::rule)
                .toList();
        List<String> ours = new ArrayList<>();
        String before = "";
        for (JsonNode each : list("chain", where.split(" "))) {
            JsonNode rule = each.path("rule");
            if (rule.path("comment").asText().equals(mark)) {
                ours.add(rule.path("handle").asText());
            } else if (before.isEmpty() && dropsAll(rule.path("expr"))) {
                before = rule.path("handle").asText();
            }
        }
        boolean drops = !before.isEmpty() || chain.path("policy").asText().equals("drop");
        if (ours.size() == (drops ? rules.size() : 0)) {
            return "";
        }
        StringBuilder changes = new StringBuilder();
        for (String handle : ours) {
            changes.append("delete rule ")
                    .append(where)
                    .append(" handle ")
                    .append(handle)
                    .append('\n');
        }
        for (String rule : drops ? rules : List.<String>of()) {
            changes.append(before.isEmpty() ? "add rule " + where : "insert rule " + where + " handle " + before)
                    .append(rule)
                    .append('\n');
        }
        return changes.toString();
    }

    /** By where it was sent to: what is redirected to another port as well. */
    private String rule(Route route) {
        String ip = route.hostIp().contains(":") ? "ip6" : "ip";
        return " meta l4proto tcp ct direction original ct original proto-dst " + route.port()
                + (route.hostIp().isEmpty() ? "" : " ct original " + ip + " daddr " + route.hostIp())
                + " accept comment \"" + mark + "\"";
    }

    /** Whether nothing that comes to this rule goes on from it. */
    private static boolean dropsAll(JsonNode expressions) {
        boolean drops = false;
        for (JsonNode expression : expressions) {
            String kind = expression.fieldNames().next();
            drops |= kind.equals("drop") || kind.equals("reject");
            if (!Set.of("drop", "reject", "counter", "log").contains(kind)) {
                return false;
            }
        }
        return drops;
    }

    /** What nft lists, by its tool's JSON; nothing where there is none. */
    static Iterable<JsonNode> list(String what, String... which) {
        List<String> command = new ArrayList<>(List.of("nft", "--json", "--terse", "list", what));
        command.addAll(List.of(which));
        try {
            return Json.MAPPER.readTree(Tool.run(command, "")).path("nftables");
        } catch (IOException e) {
            return List.of();
        }
    }
}
