package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The firewall of a host, and the ports of services: its own class, since it is the longest of its kind, and begins early. */
class FirewallIT {
    private static final int PORT = 8123;
    private static final int FAMILY = PORT + 3; // on all addresses of IPv4, and none of IPv6

    private static void version(SystemdHost host, String version) throws IOException {
        host.services(Rig.web(version, "ports: [\"%d:8080\", \"0.0.0.0:%d:8080\"]\n".formatted(PORT, FAMILY)));
    }

    /** What Docker publishes is forwarded, past a host's firewall; the gateway's ports are a process's, and are as open. */
    @Test
    void aFirewallThatDropsWhatComesInLetsClientsToThePortsOfServices() throws Exception {
        try (Rig rig = new Rig();
                SystemdHost host = new SystemdHost(rig)) {
            String iptables = "iptables -w -A INPUT -i lo -j ACCEPT; iptables -w -P INPUT DROP;"
                    + "iptables -w -I INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT;"
                    + "iptables -w -N DOCKER-USER; iptables -w -A DOCKER-USER -p tcp --dport 1 -j DROP";
            host.run("sh", "-c", iptables);
            version(host, "1");
            host.rollout("up", "web");
            InetSocketAddress web = new InetSocketAddress(host.address(), PORT);
            try (Load load = new Load(web)) {
                host.rollout("gateway", "upgrade");
                version(host, "2");
                host.rollout("up", "web");
                load.close();
                assertEquals(List.of(), load.failures, load.answered + " were answered");
                assertEquals(Set.of("1", "2"), load.versions.keySet());
            }
            admittedInSpiteOf(host, web, "iptables -w -D INPUT 1"); // as what loads a firewall anew
            host.run("iptables", "-w", "-I", "DOCKER-USER", "-p", "tcp", "-j", "DROP");
            assertEquals(false, connects(web), "who is not to come to Docker's ports does not come to these");
            host.run("iptables", "-w", "-D", "DOCKER-USER", "1");
            assertEquals(true, connects(web));

            host.run("iptables", "-w", "-P", "INPUT", "ACCEPT");
            host.run("systemd-run", "python3", "-m", "http.server", PORT + 1 + "");
            InetSocketAddress another = new InetSocketAddress(host.address(), PORT + 1);
            awaitConnects(another, "no firewall now");

            // what administrators write into /etc/nftables.conf: by policy, or by a last rule
            String nft = "table inet own { chain in { type filter hook input priority 0; policy %s;"
                    + "iif lo accept; ct state established,related accept; %s; }; }";
            for (String table : List.of(nft.formatted("drop", "counter"), nft.formatted("accept", "counter reject"))) {
                admittedInSpiteOf(host, web, "nft '" + table + "'");
                assertEquals(false, connects(another), "nothing else is let in");
                host.run("nft", "delete", "table", "inet", "own");
            }
            admittedInSpiteOf(host, web, "systemctl start firewalld; until firewall-cmd --state; do sleep 0.1; done");
            try (Load load = new Load(web)) {
                version(host, "3");
                host.rollout("up", "web");
                load.close();
                assertEquals(List.of(), load.failures, load.answered + " were answered");
                assertEquals(Set.of("2", "3"), load.versions.keySet());
            }
            admittedInSpiteOf(host, web, "firewall-cmd --reload");
            assertEquals(false, connects(another), "nothing else is let in");
            assertTrue(!host.rollout("doctor").contains("a firewall is not opened"));
            host.run("sh", "-c", "cd /usr/bin && mv firewall-cmd away && ./away --reload");
            String told = host.rollout("doctor");
            for (int i = 0; i < 20 && !told.contains("note a firewall is not opened for [*:" + PORT); i++) {
                Thread.sleep(500);
                told = host.rollout("doctor");
            }
            assertTrue(told.contains("note a firewall is not opened for [*:" + PORT), told);
            host.run("mv", "/usr/bin/away", "/usr/bin/firewall-cmd");
            awaitConnects(web, "it is asked again");

            host.rollout("agent", "stop");
            host.run("kill", "-KILL", host.gateway() + "");
            host.run("rm", "-r", "/var/lib/rollout"); // nobody knows any more what was let in
            host.web("4", PORT + 2);
            host.rollout("up", "web");
            awaitConnects(new InetSocketAddress(host.address(), PORT + 2), "another port");
            assertEquals(
                    List.of(),
                    ours(host).stream()
                            .filter(line -> line.contains("dport " + PORT))
                            .toList(),
                    "what one that was killed had let in");

            host.rollout("agent", "stop");
            host.rollout("gateway", "stop");
            for (int i = 0; i < 100 && !ours(host).isEmpty(); i++) {
                Thread.sleep(50);
            }
            assertEquals(List.of(), ours(host));
        }
    }

    /** What the gateway has in the firewalls of the host. */
    private static List<String> ours(SystemdHost host) throws Exception {
        return host.run("sh", "-c", "iptables -S; nft list ruleset")
                .lines()
                .filter(line ->
                        line.contains("ROLLOUT") || line.matches(".*dport (%d|%d) .*".formatted(PORT, PORT + 2)))
                .toList();
    }

    /** While the gateway cannot look, nobody comes in (it is the kernel that connects); then they do. */
    private static void admittedInSpiteOf(SystemdHost host, InetSocketAddress web, String command) throws Exception {
        String gateway = host.gateway() + "";
        host.run("kill", "-STOP", gateway);
        host.run("sh", "-c", command);
        assertEquals(false, connects(web), command);
        host.run("kill", "-CONT", gateway);
        awaitConnects(web, command);
        awaitConnects(new InetSocketAddress(web.getAddress(), FAMILY), command);
    }

    private static void awaitConnects(InetSocketAddress address, String when) throws Exception {
        for (int i = 0; i < 120 && !connects(address); i++) {
            Thread.sleep(100);
        }
        assertEquals(true, connects(address), when);
    }

    private static boolean connects(InetSocketAddress address) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(address, 500);
            return true;
        } catch (SocketTimeoutException | ConnectException | NoRouteToHostException e) {
            return false; // dropped or rejected
        }
    }
}
