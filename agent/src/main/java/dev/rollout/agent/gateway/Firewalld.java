package dev.rollout.agent.gateway;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The daemon of Fedora, RHEL and openSUSE. In each zone our rules stand behind all others: where it is about to reject.
 * They are those of the running firewall, and nothing of what it keeps is changed.
 */
final class Firewalld implements Firewall {
    /** Its own, in which nobody else may write. */
    static final String TABLE = "firewalld";

    private static final int FIRST_PRIORITY = 30_000;
    private static final int PRIORITIES = 2_000;

    private final String priority;
    private boolean opened = true; // by one that was killed, it may be
    private String loaded = "";

    /** @param mark tells the gateways of a host apart */
    Firewalld(String mark) {
        this.priority = "rule priority=\"" + (FIRST_PRIORITY + Math.floorMod(mark.hashCode(), PRIORITIES)) + "\"";
    }

    @Override
    public void admit(List<Route> routes) throws IOException {
        String now = Tool.nftTable(TABLE); // every load makes a new one
        if (now.isEmpty() || routes.isEmpty() && !opened) {
            return;
        }
        List<String> wanted = routes.stream().map(this::rule).toList();
        for (String zone : zones()) {
            List<String> there = ask("--zone=" + zone, "--list-rich-rules")
                    .lines()
                    .map(String::strip)
                    .filter(rule -> rule.startsWith(priority))
                    .toList();
            change(zone, "--add-rich-rule=", wanted, there);
            change(zone, "--remove-rich-rule=", there, wanted);
        }
        loaded = now;
        opened = !routes.isEmpty();
    }

    /** In one command, which cannot add and remove. */
    private static void change(String zone, String option, List<String> rules, List<String> without)
            throws IOException {
        List<String> command = new ArrayList<>(List.of("--zone=" + zone));
        rules.stream().filter(rule -> !without.contains(rule)).forEach(rule -> command.add(option + rule));
        if (command.size() > 1) {
            ask(command.toArray(String[]::new));
        }
    }

    /** Its tool takes a third of a second of a processor: the kernel is asked whether it was loaded anew. */
    @Override
    public boolean holds() {
        return !opened || Tool.nftTable(TABLE).equals(loaded);
    }

    private String rule(Route route) {
        String ip = PacketFilter.destination(route.hostIp());
        return priority
                + (ip.isEmpty()
                        ? ""
                        : " family=\"" + (route.ipv6() ? "ipv6" : "ipv4") + "\" destination address=\"" + ip + "\"")
                + " port port=\"" + route.port() + "\" protocol=\"tcp\" accept";
    }

    private static Set<String> zones() throws IOException {
        Set<String> zones = new LinkedHashSet<>();
        zones.add(ask("--get-default-zone").strip());
        ask("--get-active-zones")
                .lines()
                .filter(line -> !line.isBlank() && !Character.isWhitespace(line.charAt(0)))
                .forEach(line -> zones.add(line.replaceFirst(" .*", "")));
        return zones;
    }

    private static String ask(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("firewall-cmd"));
        command.addAll(List.of(arguments));
        return Tool.run(command, "");
    }
}
