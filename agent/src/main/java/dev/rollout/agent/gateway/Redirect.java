package dev.rollout.agent.gateway;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Leads new connections of a host port to another one, in a chain of our own of the packet filter: what Docker's rules
 * would do with them does not matter then, and connections that exist go on where they are.
 *
 * <p>Needs root. The chain is made anew at every start, and so cleans up after a crash.
 */
final class Redirect {
    private static final List<String> HOOKS = List.of("PREROUTING", "OUTPUT");
    private static final List<String> FAMILIES = List.of("iptables", "ip6tables");

    private final String chain;

    /** @param name tells the gateways of a host apart; a few characters */
    Redirect(String name) {
        this.chain = "ROLLOUT-" + name;
    }

    /** Removes all that was ever redirected. */
    void clear() {
        for (String family : FAMILIES) {
            for (String hook : HOOKS) {
                quiet(family, "-D", hook, "-m", "addrtype", "--dst-type", "LOCAL", "-j", chain);
            }
            quiet(family, "-F", chain);
            quiet(family, "-X", chain);
        }
    }

    /** @throws IOException where it is not allowed, or the packet filter is not there */
    void add(String hostIp, int from, int to) throws IOException {
        List<String> rule = rule(hostIp, from, to);
        int done = 0;
        IOException refused = null;
        for (String family : FAMILIES) {
            if (!hostIp.isEmpty() && hostIp.contains(":") != family.startsWith("ip6")) {
                continue;
            }
            try {
                hook(family);
                run(family, concat("-A", rule));
                done++;
            } catch (IOException e) {
                refused = refused == null ? e : refused; // a host without IPv6 has no table for it
            }
        }
        if (done == 0 && refused != null) {
            throw refused;
        }
    }

    private void hook(String family) throws IOException {
        if (quiet(family, "-n", "-L", chain)) {
            return;
        }
        run(family, List.of("-N", chain));
        for (String hook : HOOKS) {
            run(family, List.of("-I", hook, "1", "-m", "addrtype", "--dst-type", "LOCAL", "-j", chain));
        }
    }

    void remove(String hostIp, int from, int to) {
        for (String family : FAMILIES) {
            quiet(family, concat("-D", rule(hostIp, from, to)).toArray(String[]::new));
        }
    }

    private List<String> rule(String hostIp, int from, int to) {
        List<String> rule = new java.util.ArrayList<>(List.of(chain, "-p", "tcp"));
        if (!hostIp.isEmpty()) {
            rule.addAll(List.of("-d", hostIp));
        }
        rule.addAll(List.of("--dport", Integer.toString(from), "-j", "REDIRECT", "--to-ports", Integer.toString(to)));
        return rule;
    }

    private static List<String> concat(String first, List<String> rest) {
        List<String> all = new java.util.ArrayList<>(List.of(first));
        all.addAll(rest);
        return all;
    }

    private boolean quiet(String family, String... arguments) {
        try {
            run(family, List.of(arguments));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void run(String family, List<String> arguments) throws IOException {
        List<String> command = new java.util.ArrayList<>(List.of(family, "-w", "-t", "nat"));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(out.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
