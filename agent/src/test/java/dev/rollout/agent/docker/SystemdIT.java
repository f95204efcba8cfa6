package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The agent as systemd's unit: the gateway is a unit of its own, which none of the agent's ends touches. */
class SystemdIT {
    private static final int PORT = 8123;

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
            host.web("1", PORT);
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
            host.web("1", PORT);
            Rig.Ran up = host.asDeploy("up", "web");
            assertEquals(0, up.exit(), up.all());
            assertTrue(host.rollout("history", "web").contains(host.user), "root sees what deploy did");
            Rig.Ran status = host.asDeploy("agent", "status");
            assertTrue(status.out().contains("pid: " + mainPid(host)), status.all());
            Rig.Ran gateway = host.asDeploy("gateway", "status");
            assertEquals(0, gateway.exit(), gateway.all());
            for (String verb : List.of("stop", "upgrade")) {
                Rig.Ran refused = host.asDeploy("agent", verb);
                assertEquals(77, refused.exit(), refused.all());
            }

            host.web("2", PORT);
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

            host.services(HandoverIT.bot("1"));
            host.run("systemctl", "stop", "rollout"); // which a first boot has started
            host.run("rm", "-r", "/run/systemd/system/rollout.service", "/run/rollout");
            Rig.Ran refused = host.asDeploy("up", "gateway", "bot");
            assertEquals(1, refused.exit(), refused.all());
            assertTrue(refused.err().contains("loginctl enable-linger " + host.user), refused.all());
            assertEquals(List.of(), rig.containers("gateway"), "nothing was started");
            assertTrue(host.asDeploy("doctor").out().contains("bad  systemd removes " + host.usersClaims));

            host.run("loginctl", "enable-linger", host.user);
            Rig.Ran up = host.asDeploy("up", "gateway", "bot");
            assertEquals(0, up.exit(), up.all());
            String agent = host.asDeploy("agent", "status").out();
            assertEquals(
                    "700",
                    host.login(host.user, "stat -c %a ~/.local/state/rollout/run")
                            .out(),
                    "nobody else comes to the gateway, which asks nobody who it is");
            Thread.sleep(1000); // logind has long removed it by then, above
            assertEquals(
                    0,
                    host.exec("sh", "-c", "test -s " + host.usersClaims + "/*/bot/claims.db")
                            .exit());
            host.services(HandoverIT.bot("2"));
            Rig.Ran next = host.login(host.user, "unset XDG_RUNTIME_DIR && bin/rollout up bot"); // as cron does it
            assertEquals(0, next.exit(), next.all());
            assertEquals(agent, host.asDeploy("agent", "status").out(), "the same agent, in every login");
            host.asDeploy("agent", "stop");
        }
    }

    @Test
    void theGatewayIsAUnitOfItsOwn() throws Exception {
        try (Rig rig = new Rig();
                SystemdHost host = new SystemdHost(rig)) {
            host.run("systemctl", "start", "rollout");
            host.web("1", PORT);
            host.rollout("up", "web");
            long first = host.gateway();
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
                assertEquals(first, host.gateway(), "the agent's end is not the gateway's");

                host.rollout("gateway", "upgrade");
                long second = host.gateway();
                assertNotEquals(first, second);
                assertTrue(unit(host, second).contains("/rollout-gateway-"), unit(host, second));
                host.web("2", PORT);
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
