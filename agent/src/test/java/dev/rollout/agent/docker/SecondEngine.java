package dev.rollout.agent.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Another Docker Engine, newer than the machine's, which refuses clients older than API 1.44 and comes back a second after
 * it was killed, as under systemd. It lives in a container of the first one, in a network namespace of its own: two
 * daemons in one would rewrite each other's packet filter.
 */
final class SecondEngine implements AutoCloseable {
    private static final long START_SECONDS = 60;

    private final Path folder;
    private final String name;
    private final String keeper;
    final String host;

    SecondEngine() throws IOException, InterruptedException {
        this("{}");
    }

    /** @param settings what dockerd is configured by, in JSON */
    SecondEngine(String settings) throws IOException, InterruptedException {
        folder = Files.createTempDirectory("rollout-engine");
        name = folder.getFileName().toString();
        host = "unix://" + folder.resolve("docker.sock");
        String programs = Rig.ROOT.resolve(".tools/engine").toString();
        Files.writeString(folder.resolve("daemon.json"), settings);
        Files.writeString(folder.resolve("run.sh"), """
                export PATH=%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DOCKER_MIN_API_VERSION=1.44
                while [ ! -e %s/stop ]; do
                  dockerd --config-file %2$s/daemon.json --data-root %2$s/data --exec-root %2$s/exec -p %2$s/pid -H %s -G %s >>%2$s/log 2>&1
                  sleep 1
                done
                """.formatted(
                        programs, folder, host, Files.getAttribute(folder, "unix:gid")));
        keeper = run(List.of(
                        "docker",
                        "run",
                        "--detach",
                        "--name",
                        name,
                        "--cap-add=SYS_ADMIN",
                        "--cap-add=NET_ADMIN",
                        "--cap-add=SYS_PTRACE",
                        "--security-opt=seccomp=unconfined",
                        "--security-opt=apparmor=unconfined",
                        "--device-cgroup-rule=a *:* rwm",
                        "--cgroupns=host",
                        "--pid=host",
                        "--network=none",
                        "--volume=/:/host",
                        "rollout-examples/busybox:1",
                        "chroot",
                        "/host",
                        "/bin/sh",
                        folder.resolve("run.sh").toString()))
                .strip();
        awaitAnswer();
        run(List.of("sh", "-c", "docker save rollout-examples/busybox:1 | DOCKER_HOST=" + host + " docker load"));
    }

    /** Gets ready to kill the daemon, and its containerd with it: the returned blow strikes within milliseconds. */
    Rig.Blow blow() throws IOException {
        Process killer = new ProcessBuilder(
                        "docker",
                        "exec",
                        "-i",
                        name,
                        "chroot",
                        "/host",
                        "sh",
                        "-c",
                        "read x; kill -9 $(cat " + folder + "/pid)")
                .start();
        return () -> {
            killer.outputWriter().append("now\n").close();
            killer.waitFor();
        };
    }

    void awaitAnswer() throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (new ProcessBuilder("docker", "-H", host, "version")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                != 0) {
            if (System.nanoTime() > end) {
                throw new IOException("the second Engine does not answer: "
                        + run(List.of("docker", "exec", name, "chroot", "/host", "tail", "-5", folder + "/log")));
            }
            Thread.sleep(100);
        }
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + out);
        }
        return out;
    }

    @Override
    public void close() throws Exception {
        // gracefully, so that its containers and mounts go with it; the folder is root's, so root removes it
        run(List.of(
                "docker",
                "exec",
                name,
                "chroot",
                "/host",
                "sh",
                "-c",
                "touch %1$s/stop; pid=$(cat %1$s/pid); kill $pid; while kill -0 $pid; do sleep 0.1; done 2>/dev/null"
                        .formatted(folder)));
        run(List.of("docker", "wait", keeper));
        run(List.of("docker", "rm", "--force", keeper));
        run(List.of(
                "docker",
                "run",
                "--rm",
                "-v",
                folder + ":/f",
                "rollout-examples/busybox:1",
                "rm",
                "-rf",
                "/f/data",
                "/f/exec",
                "/f/pid",
                "/f/log",
                "/f/docker.sock",
                "/f/stop"));
        Files.deleteIfExists(folder.resolve("run.sh"));
        Files.deleteIfExists(folder.resolve("daemon.json"));
        Files.delete(folder);
    }
}
