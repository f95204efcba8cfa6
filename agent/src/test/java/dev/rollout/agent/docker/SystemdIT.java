package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The agent as systemd's unit: the gateway is a unit of its own, which none of the agent's ends touches. */
class SystemdIT {
    private static final int PORT = 8123;

    private static void version(Rig rig, SystemdHost host, String version) throws Exception {
        rig.services(Rig.web(version, "ports: [\"" + PORT + ":8080\"]\n"));
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
            host.run("systemctl", "stop", "rollout");
            host.rollout("agent", "start");
            assertEquals(
                    "30",
                    host.run("systemctl", "show", "-P", "CPUWeight", "rollout-agent-*.scope")
                            .strip());
        }
    }
}
