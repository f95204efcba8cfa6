package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A real registry that asks for a login: images are pulled before anything is started, or nothing is. */
class RegistryIT {
    /** The password "p", as bcrypt. */
    private static final String HTPASSWD = "u:$2b$05$abcdefghijklmnopqrstuuqwWMzKt5N8p.u2GX5MuH1t19BMWuLOW\n";

    private static final String LOGIN = Base64.getEncoder().encodeToString("u:p".getBytes());

    private static Path folder;
    private static Process registry;
    private static String host;

    @BeforeAll
    static void start() throws Exception {
        folder = Files.createTempDirectory("rollout-registry");
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        host = "127.0.0.1:" + port;
        Files.writeString(folder.resolve("htpasswd"), HTPASSWD);
        Files.writeString(folder.resolve("registry.yml"), """
                version: 0.1
                storage: {filesystem: {rootdirectory: %s/data}, delete: {enabled: true}}
                http: {addr: "%s"}
                auth: {htpasswd: {realm: test, path: %1$s/htpasswd}}
                """.formatted(folder, host));
        registry = new ProcessBuilder(
                        Rig.ROOT.resolve(".tools/docker-registry").toString(),
                        "serve",
                        folder.resolve("registry.yml").toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        for (int i = 0; ; i++) {
            try (Socket socket = new Socket("127.0.0.1", port)) {
                break;
            } catch (IOException e) {
                assertTrue(
                        i < 100 && registry.isAlive(),
                        "the registry starts: " + Files.readString(folder.resolve("log")));
                Thread.sleep(50);
            }
        }
        try (Rig rig = new Rig()) {
            config(rig, "{\"auths\": {\"" + host + "\": {\"auth\": \"" + LOGIN + "\"}}}");
            for (String version : new String[] {"1", "2"}) {
                assertEquals(
                        0,
                        rig.docker("tag", "rollout-examples/busybox:1", host + "/app:" + version)
                                .exit());
                Rig.Ran push = rig.docker("push", host + "/app:" + version);
                assertEquals(0, push.exit(), push.all());
                assertEquals(0, rig.docker("rmi", host + "/app:" + version).exit());
            }
        }
    }

    @AfterAll
    static void stop() throws Exception {
        registry.destroy();
        registry.waitFor();
        new ProcessBuilder("rm", "-rf", folder.toString()).start().waitFor();
    }

    private static void config(Rig rig, String json) throws IOException {
        Path config = Files.createDirectories(rig.folder.resolve("docker"));
        Files.writeString(config.resolve("config.json"), json);
        rig.environment.put("DOCKER_CONFIG", config.toString());
    }

    private static String web(String version) {
        return Rig.web(version, "").replace("rollout-examples/busybox:1", host + "/app:" + version);
    }

    private static void pulls(Rig rig, String version) throws Exception {
        rig.services(web(version));
        Rig.Ran up = rig.rollout("up", "web", "--progress", "plain");
        assertEquals(0, up.exit(), up.all());
        assertTrue(up.err().contains("pulling " + host + "/app:" + version), up.all());
        assertTrue(up.err().contains("Digest: sha256:"), "the progress is shown: " + up.all());
        assertEquals(version, rig.containers("web").getFirst().version());
    }

    private static void forget(Rig rig, String version) throws Exception {
        rig.docker("rmi", "-f", host + "/app:" + version);
    }

    @Test
    void theLoginComesFromTheDockerConfig() throws Exception {
        try (Rig rig = new Rig()) {
            config(rig, "{\"auths\": {\"" + host + "\": {\"auth\": \"" + LOGIN + "\"}}}");
            pulls(rig, "1");
            forget(rig, "1");
        }
    }

    /** By the time when it was tagged here. */
    @Test
    void anImageThatIsTooOldIsPulledAnew() throws Exception {
        try (Rig rig = new Rig()) {
            config(rig, "{\"auths\": {\"" + host + "\": {\"auth\": \"" + LOGIN + "\"}}}");
            pulls(rig, "1");
            Thread.sleep(1100);
            for (String policy : List.of("weekly", "every_1s")) {
                rig.services(web("1").replace("  image:", "  pull_policy: " + policy + "\n  image:"));
                Rig.Ran up = rig.rollout("up", "web", "--progress", "plain");
                assertEquals(0, up.exit(), up.all());
                assertEquals(policy.equals("every_1s"), up.err().contains("pulling "), up.all());
            }
            forget(rig, "1");
        }
    }

    @Test
    void orFromACredentialHelper() throws Exception {
        try (Rig rig = new Rig()) {
            Path helper = rig.folder.resolve("docker-credential-test");
            Files.writeString(helper, """
                    #!/bin/sh
                    read host
                    [ "$1" = get ] && [ "$host" = %s ] && echo '{"ServerURL":"%1$s","Username":"u","Secret":"p"}'
                    """.formatted(host));
            Files.setPosixFilePermissions(helper, PosixFilePermissions.fromString("rwxr-xr-x"));
            rig.environment.put("PATH", rig.folder + ":" + System.getenv("PATH"));
            config(rig, "{\"credHelpers\": {\"" + host + "\": \"test\"}}");
            pulls(rig, "2");
            forget(rig, "2");
        }
    }

    /** An agent may have lived for months, and it may be another user's: the login is that of who asks, now. */
    @Test
    void theLoginIsThatOfWhoAsks() throws Exception {
        try (Rig rig = new Rig()) {
            config(rig, "{}");
            assertEquals(0, rig.rollout("agent", "start").exit());
            Path own = Files.createDirectories(rig.folder.resolve("asker"));
            Files.writeString(
                    own.resolve("config.json"), "{\"auths\": {\"" + host + "\": {\"auth\": \"" + LOGIN + "\"}}}");
            rig.environment.put("DOCKER_CONFIG", own.toString());
            pulls(rig, "1");
            forget(rig, "1");
        }
    }

    @Test
    void withoutALoginNothingIsStarted() throws Exception {
        try (Rig rig = new Rig()) {
            config(rig, "{}");
            rig.services(web("1"));
            Rig.Ran up = rig.rollout("up", "web");
            assertEquals(1, up.exit(), up.all());
            assertTrue(up.out().contains("cannot be pulled") || up.out().contains("authentication"), up.all());
            assertTrue(up.out().contains("nothing was started"), up.all());
            assertTrue(rig.containers("web").isEmpty());
        }
    }
}
