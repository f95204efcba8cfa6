package dev.rollout.agent.engine.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.rollout.Asker;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes. */
class OnBehalfTest {
    private static final int NOBODY = 65534;
    private static final Map<String, String> THEIRS = Map.of(
            "PATH", System.getenv("PATH"), "HOME", "/home/them", "TOKEN", "t", "DOCKER_HOST", "unix:///elsewhere");
    private static final Map<String, String> OURS = Map.of("PATH", System.getenv("PATH"), "OURS", "o");

    private static OnBehalf of(Asker asker) {
        return new OnBehalf(asker, OURS, URI.create("unix:///here"));
    }

    private static List<String> run(Asker asker, String... command) throws Exception {
        Process process =
                of(asker).process(List.of(command)).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        return said.lines().toList();
    }

    @Test
    void theEnvironmentIsTheirsAndTheDaemonIsOurs() throws Exception {
        List<String> environment = run(Asker.with(THEIRS), "env");
        assertTrue(environment.contains("TOKEN=t"), environment.toString());
        assertTrue(environment.contains("DOCKER_HOST=unix:///here"), environment.toString());
        assertFalse(environment.contains("OURS=o"), environment.toString());
        assertTrue(run(Asker.AGENT, "env").contains("OURS=o"));
    }

    @Test
    void theirProgramsAreFound(@TempDir Path folder) throws Exception {
        Path program = Files.writeString(folder.resolve("docker-credential-theirs"), "#!/bin/sh\necho found\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Map<String, String> environment = Map.of("PATH", folder + ":" + System.getenv("PATH"));
        assertEquals(List.of("found"), run(Asker.with(environment), "docker-credential-theirs"));
    }

    @Test
    void theRightsAreTheirs() throws Exception {
        assumeTrue(Folders.byRoot(), "who is not root acts for nobody else");
        String nobody = Integer.toString(NOBODY);
        assertEquals(List.of(nobody, nobody), run(new Asker(NOBODY, NOBODY, THEIRS), "sh", "-c", "id -u; id -G"));
    }

    @Test
    void theLoginIsTheirs() {
        assertEquals(
                Path.of("/home/them/.docker/config.json"),
                of(Asker.with(THEIRS)).dockerConfig());
        assertEquals(
                Path.of("/x/config.json"),
                of(Asker.with(Map.of("DOCKER_CONFIG", "/x", "HOME", "/home/them")))
                        .dockerConfig());
    }
}
