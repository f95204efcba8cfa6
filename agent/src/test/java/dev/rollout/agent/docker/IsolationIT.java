package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;

/** An Engine with {@code userns-remap}: no user of a container is the one of that number on the host. */
class IsolationIT {
    private static final int FIRST = 265_536;

    /** The second Engine's containers cannot be reached by address: nothing is probed. */
    private static String bot(String version, String user) {
        return """
                gateway:
                  image: rollout-examples/apps:1
                  command: [dev.rollout.examples.EventGateway]
                bot:
                  image: rollout-examples/apps:1
                  command: [dev.rollout.examples.Bot]
                  user: "%s"
                  environment: {GATEWAY_HOST: gateway, VERSION: "%s"}
                  x-rollout: {readiness: {role: true, deadline: 20s}, handover: {mode: broadcast}}
                """.formatted(user, version);
    }

    @Test
    void claimsAreTheContainersWhoeverItRunsAs() throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root starts such an Engine
        }
        try (MappingEngine engine = new MappingEngine(FIRST);
                Rig rig = new Rig()) {
            engine.load("rollout-examples/apps:1");
            rig.environment.put("DOCKER_HOST", engine.host);
            String agent = Rig.java() + " dev.rollout.agent.Main agent start";
            assertEquals(0, rig.run("sh", "-c", "umask 077 && exec " + agent).exit());
            rig.services(bot("1", "0"));
            Rig.Ran first = rig.rollout("up", "gateway", "bot");
            assertEquals(0, first.exit(), first.all());
            rig.services(bot("2", "1234"));
            Rig.Ran next = rig.rollout("up", "bot");
            assertEquals(0, next.exit(), next.all());

            Path claims = Path.of(rig.environment.get("ROLLOUT_SHM_DIR"), rig.project, "bot", "claims.db");
            assertEquals(FIRST, Files.getAttribute(claims, "unix:uid"));
            Path durable = Path.of(rig.environment.get("ROLLOUT_STATE_DIR"), "roles", rig.project, "bot");
            assertEquals(
                    "rwxr-xr-x",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(durable)),
                    "whatever the umask: role.json is read there where the claims are not to be had");
            assertEquals(0, rig.rollout("agent", "stop").exit());
            assertEquals(
                    0,
                    rig.run("rm", "-rf", rig.environment.get("ROLLOUT_SHM_DIR")).exit()); // as a reboot does it
            assertEquals(0, rig.rollout("agent", "start").exit());
            assertEquals(FIRST, Files.getAttribute(claims, "unix:uid"), "before any instance asks for it");
            assertEquals(
                    0, rig.docker("restart", "-t", "1", rig.project + "-bot-1").exit());
            rig.services(bot("3", "1234"));
            Rig.Ran last = rig.rollout("up", "bot");
            assertEquals(0, last.exit(), last.all());
        }
    }
}
