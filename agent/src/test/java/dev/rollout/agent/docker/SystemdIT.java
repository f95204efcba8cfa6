package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The agent as systemd's unit: the gateway is a unit of its own, which none of the agent's ends touches. */
class SystemdIT {
    private static final int PORT = 8123;

    private static void version(Rig rig, SystemdHost host, String version) throws Exception {
        rig.services(Rig.web(version, "ports: [\"" + PORT + ":8080\"]\n"));
        inNetworkOf(host, rig);
    }

    private static void inNetworkOf(SystemdHost host, Rig rig) throws Exception {
        Files.writeString(
                rig.folder.resolve("compose.yaml"),
                Files.readString(rig.folder.resolve("compose.yaml")) + "networks: {default: {name: " + host.network()
                        + ", external: true}}\n");
    }

    private static long gateway(SystemdHost host) throws Exception {
        return new ObjectMapper()
                .readTree(host.rollout("gateway", "status", "--format", "json"))
                .path("pid")
                .asLong();
    }

    private static String unit(SystemdHost host, long pid) throws Exception {
        return host.run("cat", "/proc/" + pid + "/cgroup");
    }

    private static String active(SystemdHost host) throws Exception {
        return host.exec("systemctl", "is-active", "rollout").out();
    }

    private static String mainPid(SystemdHost host) throws Exception {
        return host.run("systemctl", "show", "-P", "MainPID", "rollout").strip();
    }

    private static String agent(SystemdHost host) throws Exception {
        return new ObjectMapper()
                .readTree(host.rollout("agent", "status", "--format", "json"))
                .path("pid")
                .asText();
    }

    /** Who starts an agent beside the unit's has two that fight for its place. */
    @Test
    void theUnitsAgentIsStartedStoppedAndReplacedThroughIt() throws Exception {
        try (Rig rig = new Rig();
                SystemdHost host = new SystemdHost(rig)) {
            version(rig, host, "1");
            host.rollout("up", "web");
            assertEquals(mainPid(host), agent(host), "what needs an agent starts the unit");
            String first = agent(host);
            host.rollout("agent", "upgrade");
            assertNotEquals(first, agent(host));
            assertEquals(mainPid(host), agent(host));
            assertTrue(host.rollout("doctor").contains("ok   a unit of systemd"));
            assertEquals(
                    0, host.exec("sh", "-c", "test -S /run/rollout/agent.sock").exit());
            host.rollout("agent", "stop");
            Thread.sleep(2500); // systemd would have started it again by then
            assertEquals("inactive", active(host));
            assertEquals(
                    1, host.exec("sh", "-c", "test -S /run/rollout/agent.sock").exit(), "it closes what it has");
            host.rollout("agent", "start");
            assertEquals(mainPid(host), agent(host));
        }
    }

    /** A pipeline logs in as a user of the Engine's group: it is the same agent that root speaks to. */
    @Test
    void whoMaySpeakToTheEngineUsesTheHostsAgent() throws Exception {
        try (Rig rig = new Rig();
                SystemdHost host = new SystemdHost(rig)) {
            host.run("systemctl", "start", "rollout");
            version(rig, host, "1");
            Rig.Ran up = host.asDeploy("up", "web");
            assertEquals(0, up.exit(), up.all());
            assertTrue(host.rollout("history", "web").contains(SystemdHost.USER), "root sees what deploy did");
            Rig.Ran status = host.asDeploy("agent", "status");
            assertTrue(status.out().contains("pid: " + mainPid(host)), status.all());
            Rig.Ran gateway = host.asDeploy("gateway", "status");
            assertEquals(0, gateway.exit(), gateway.all());
            for (String verb : List.of("stop", "upgrade")) {
                Rig.Ran refused = host.asDeploy("agent", verb);
                assertEquals(77, refused.exit(), refused.all());
            }

            version(rig, host, "2");
            try (Load load = new Load(new InetSocketAddress(host.address(), PORT))) {
                Rig.Ran next = host.asDeploy("up", "web");
                assertEquals(0, next.exit(), next.all());
                load.close();
                assertEquals(List.of(), load.failures, load.answered + " were answered");
            }
            host.rollout("agent", "stop");
            Rig.Ran none = host.asDeploy("status");
            assertEquals(69, none.exit(), none.all());
        }
    }

    /** Each command of a pipeline is a login of its own, and no root has installed anything. */
    @Test
    void whatAUsersAgentKeepsOutlivesTheLogin() throws Exception {
        try (Rig rig = new Rig();
                SystemdHost host = new SystemdHost(rig)) {
            Rig.Ran guest = host.login("guest", "mkdir /dev/shm/rollout-guest && touch /dev/shm/rollout-guest/claims");
            assertEquals(0, guest.exit(), guest.all());
            String left = "/dev/shm/rollout-guest";
            for (int i = 0; i < 100 && host.exec("test", "-e", left).exit() == 0; i++) {
                Thread.sleep(50);
            }
            assertEquals(1, host.exec("test", "-e", left).exit(), "logind removes what a user has there");

            rig.services(HandoverIT.bot("1"));
            inNetworkOf(host, rig);
            host.run("systemctl", "stop", "rollout"); // which a first boot has started
            host.run("rm", "-r", "/run/systemd/system/rollout.service", "/run/rollout");
            Rig.Ran refused = host.asDeploy("up", "gateway", "bot");
            assertEquals(1, refused.exit(), refused.all());
            assertTrue(refused.err().contains("loginctl enable-linger " + SystemdHost.USER), refused.all());
            assertEquals(List.of(), rig.containers("gateway"), "nothing was started");
            assertTrue(host.asDeploy("doctor").out().contains("bad  systemd removes " + SystemdHost.USERS_CLAIMS));

            host.run("loginctl", "enable-linger", SystemdHost.USER);
            Rig.Ran up = host.asDeploy("up", "gateway", "bot");
            assertEquals(0, up.exit(), up.all());
            String agent = host.asDeploy("agent", "status").out();
            assertEquals(
                    "700",
                    host.login(SystemdHost.USER, "stat -c %a ~/.local/state/rollout/run")
                            .out(),
                    "nobody else comes to the gateway, which asks nobody who it is");
            Thread.sleep(1000); // logind has long removed it by then, above
            assertEquals(
                    0,
                    host.exec("sh", "-c", "test -s " + SystemdHost.USERS_CLAIMS + "/*/bot/claims.db")
                            .exit());
            rig.services(HandoverIT.bot("2"));
            inNetworkOf(host, rig);
            Rig.Ran next =
                    host.login(SystemdHost.USER, "unset XDG_RUNTIME_DIR && bin/rollout up bot"); // as cron does it
            assertEquals(0, next.exit(), next.all());
            assertEquals(agent, host.asDeploy("agent", "status").out(), "the same agent, in every login");
            host.asDeploy("agent", "stop");
        }
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
            version(rig, host, "1");
            host.rollout("up", "web");
            InetSocketAddress web = new InetSocketAddress(host.address(), PORT);
            try (Load load = new Load(web)) {
                host.rollout("gateway", "upgrade");
                version(rig, host, "2");
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
                version(rig, host, "3");
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
            host.run("kill", "-KILL", gateway(host) + "");
            host.run("rm", "-r", "/var/lib/rollout"); // nobody knows any more what was let in
            rig.services(Rig.web("4", "ports: [\"" + (PORT + 2) + ":8080\"]\n"));
            inNetworkOf(host, rig);
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
        String gateway = gateway(host) + "";
        host.run("kill", "-STOP", gateway);
        host.run("sh", "-c", command);
        assertEquals(false, connects(web), command);
        host.run("kill", "-CONT", gateway);
        awaitConnects(web, command);
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

    @Test
    void theGatewayIsAUnitOfItsOwn() throws Exception {
        try (Rig rig = new Rig();
                SystemdHost host = new SystemdHost(rig)) {
            host.run("systemctl", "start", "rollout");
            version(rig, host, "1");
            host.rollout("up", "web");
            long first = gateway(host);
            assertTrue(unit(host, first).contains("/rollout-gateway-"), unit(host, first));
            assertEquals(
                    1,
                    host.run("systemctl", "list-units", "rollout-gateway-*.scope", "--plain", "--no-legend")
                            .lines()
                            .count());

            assertEquals(
                    "30",
                    host.run("systemctl", "show", "-P", "CPUWeight", "rollout").strip());

            try (Load load = new Load(new InetSocketAddress(host.address(), PORT))) {
                host.run("systemctl", "restart", "rollout");
                host.run("systemctl", "stop", "rollout");
                host.run("systemctl", "start", "rollout");
                assertEquals(first, gateway(host), "the agent's end is not the gateway's");

                host.rollout("gateway", "upgrade");
                long second = gateway(host);
                assertNotEquals(first, second);
                assertTrue(unit(host, second).contains("/rollout-gateway-"), unit(host, second));
                version(rig, host, "2");
                host.rollout("up", "web");
                load.close();
                assertEquals(List.of(), load.failures, load.answered + " were answered");
                assertEquals(Set.of("1", "2"), load.versions.keySet());
            }
            host.rollout("agent", "stop");
            host.run("rm", "/run/systemd/system/rollout.service");
            host.run("systemctl", "daemon-reload");
            host.rollout("agent", "start");
            assertEquals(
                    "30",
                    host.run("systemctl", "show", "-P", "CPUWeight", "rollout-agent-*.scope")
                            .strip());
        }
    }
}
