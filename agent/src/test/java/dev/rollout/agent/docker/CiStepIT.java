package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The step for GitHub Actions, against a real ssh server. */
class CiStepIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    @Test
    void rollsOverSshAlsoWhereTheLoginEndsInMidRollout() throws Exception {
        try (Rig rig = AGENT.rig();
                SshHost host = new SshHost(rig)) {
            Path summary = rig.folder.resolve("summary");
            Map<String, String> login = Map.of("KEY", host.key.replace("\n", "\r\n"), "KNOWN_HOSTS", host.knownHosts);
            assertEquals(0, rig.rollout("agent", "start").exit());
            rig.services(Rig.web("1", "") + Rig.web("1", "").replace("web:", "other:"));
            Rig.Ran first = host.step(with(login, "SERVICES", "web\nother", "GITHUB_STEP_SUMMARY", summary.toString()));
            assertEquals(0, first.exit(), first.all());
            assertEquals("1", rig.one("web"));
            assertEquals("1", rig.one("other"), "the service of the second line, too");
            assertTrue(Files.readString(summary).contains("exit 0"), Files.readString(summary));

            rig.services(Rig.web("2", "").replace("mkdir", "sleep 3; mkdir"));
            CompletableFuture<Rig.Ran> broken = CompletableFuture.supplyAsync(() -> {
                try {
                    return host.step(with(login, "SERVICES", "web"));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            while (rig.containers("web").size() < 2 && !broken.isDone()) {
                Thread.sleep(50);
            }
            host.logout();
            Rig.Ran waited = broken.get();
            assertEquals(0, waited.exit(), waited.all());
            assertTrue(waited.err().contains("ssh has lost"), waited.all());
            assertEquals("2", rig.one("web"));

            rig.services(Rig.web("3", "").replace("exec httpd", "exit 3"));
            Rig.Ran failed = host.step(with(login, "SERVICES", "web", "ARGUMENTS", "--timeout 3s"));
            assertEquals(1, failed.exit(), failed.all());
            assertEquals("2", rig.one("web"));
            Rig.Ran unknown = host.step(with(login, "SERVICES", "$(id)"));
            assertEquals(2, unknown.exit(), unknown.all());
            assertTrue(unknown.all().contains("$(id)"), "a word is a word: " + unknown.all());
            Files.delete(host.program);
            Rig.Ran missing = host.step(login);
            assertEquals(127, missing.exit(), missing.all());
            assertTrue(missing.all().contains("scripts/install"), missing.all());
        }
    }

    private static Map<String, String> with(Map<String, String> login, String... more) {
        Map<String, String> inputs = new TreeMap<>(login);
        for (int i = 0; i < more.length; i += 2) {
            inputs.put(more[i], more[i + 1]);
        }
        return inputs;
    }
}
