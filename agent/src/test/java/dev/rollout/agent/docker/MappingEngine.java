package dev.rollout.agent.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * A Docker Engine whose containers have users of their own ({@code userns-remap}), started by root in namespaces of its own.
 * In a container, as {@link SecondEngine}, it could not be: what has changed its root makes no users.
 */
final class MappingEngine implements AutoCloseable {
    private static final int ANSWER_MILLIS = 30_000;

    private final Path folder;
    private final Process process;
    final String host;

    /** @param first the number of the first of the 65536 users on this host */
    MappingEngine(int first) throws IOException, InterruptedException {
        folder = Files.createTempDirectory("rollout-engine");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x")); // for those users
        host = "unix://" + folder.resolve("docker.sock");
        Files.writeString(folder.resolve("ids"), "daemon:" + first + ":65536");
        Files.writeString(folder.resolve("run.sh"), """
                for file in /etc/subuid /etc/subgid; do mount --bind %1$s/ids $file; done # which nobody else sees
                exec dockerd --userns-remap=daemon --data-root %1$s/data --exec-root %1$s/exec -p %1$s/pid -H %2$s
                """.formatted(folder, host));
        process = new ProcessBuilder("unshare", "--mount", "--net", "sh", "-e", folder.resolve("run.sh") + "")
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        for (int waited = 0; run("docker", "-H", host, "version") != 0; waited += 100) {
            if (waited > ANSWER_MILLIS || !process.isAlive()) {
                throw new IOException("the Engine does not answer: " + Files.readString(folder.resolve("log")));
            }
            Thread.sleep(100);
        }
    }

    /** Gives it an image that the machine's Engine has. */
    void load(String image) throws IOException, InterruptedException {
        if (run("sh", "-c", "docker save " + image + " | docker -H " + host + " load") != 0) {
            throw new IOException(image + " cannot be loaded");
        }
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(List.of(command))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }

    @Override
    public void close() throws Exception {
        process.destroy();
        process.waitFor();
        run("rm", "-rf", folder.toString());
    }
}
