package dev.rollout.agent.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * This machine, as who logs in over ssh finds it, with the rig's project and program. The server runs in a container that
 * has this machine's processes, network and folders, as the user who runs the tests.
 */
final class SshHost implements AutoCloseable {
    private static final String USER = "deploy";

    private final Rig rig;
    private final String name;
    private final int port;

    /** The program, by the path that a login finds it by. */
    final Path program;

    /** Lines for who is to log in, as the step takes them. */
    final String key;

    final String knownHosts;

    SshHost(Rig rig) throws IOException, InterruptedException {
        this.rig = rig;
        this.name = rig.project + "-ssh";
        this.port = Published.freePort();
        this.program = Files.createDirectories(rig.folder.resolve("bin")).resolve("rollout");
        Files.createSymbolicLink(program, Rig.launcher());
        Path ssh = Files.createDirectories(rig.folder.resolve("ssh"));
        String ids = rig.run("sh", "-c", "echo $(id -u):$(id -g)").ok();
        String engine = "/var/run/docker.sock";
        Files.writeString(
                ssh.resolve("passwd"),
                USER + ":x:" + ids + "::" + ssh + ":/bin/sh\nsshd:x:100:65534::/run:/bin/false\n");
        StringBuilder config = new StringBuilder("ListenAddress 127.0.0.1:" + port + "\nHostKey " + ssh + "/host\n"
                + "AuthorizedKeysFile " + ssh + "/user.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
                + "PidFile none\nSetEnv PATH=" + program.getParent() + ":/usr/bin:/bin");
        for (Map.Entry<String, String> variable : rig.environment.entrySet()) {
            config.append(' ').append(variable.getKey()).append('=').append(variable.getValue());
        }
        Files.writeString(ssh.resolve("config"), config.append('\n'));
        String image = rig.run(Rig.ROOT.resolve("scripts/ssh-image").toString()).ok();
        List<String> command = new ArrayList<>(List.of("run", "--detach", "--name", name, "--network=host"));
        command.addAll(List.of("--pid=host", "--user=" + ids, "--tmpfs=/run", "--volume=" + engine + ":" + engine));
        command.add("--group-add=" + rig.run("stat", "-Lc", "%g", engine).ok());
        for (Path shared :
                List.of(Path.of("/tmp"), Path.of("/dev/shm"), Rig.ROOT, Path.of(System.getProperty("java.home")))) {
            command.add("--volume=" + shared + ":" + shared);
        }
        command.add("--volume=" + ssh.resolve("passwd") + ":/etc/passwd");
        String serve = "set -e; cd " + ssh + "; for k in host user; do ssh-keygen -qt ed25519 -N '' -f $k; done;"
                + " if [ $(id -u) = 0 ]; then mkdir -p /run/sshd; fi; exec /usr/sbin/sshd -D -e -f config";
        command.addAll(List.of(image, "sh", "-c", serve));
        rig.docker(command.toArray(String[]::new)).ok();
        long end = System.nanoTime() + 30_000_000_000L;
        while (!rig.docker("logs", name).all().contains("Server listening")) {
            if (System.nanoTime() > end) {
                throw new IOException(rig.docker("logs", name).all());
            }
            Thread.sleep(100);
        }
        key = Files.readString(ssh.resolve("user"));
        knownHosts = "[127.0.0.1]:" + port + " " + Files.readString(ssh.resolve("host.pub"));
    }

    /** Runs the step that deploys to it. */
    Rig.Ran step(Map<String, String> inputs) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("exec", "--env=HOST=ssh://" + USER + "@127.0.0.1:" + port));
        command.add("--env=DIRECTORY=" + rig.folder);
        inputs.forEach((name, value) -> command.add("--env=" + name + "=" + value));
        command.addAll(List.of(name, Rig.ROOT.resolve("scripts/ci-step").toString()));
        return rig.docker(command.toArray(String[]::new));
    }

    /** Ends those who are logged in, and what they run; the agent is none of it. */
    void logout() throws IOException, InterruptedException {
        long server = rig.inspect(name).at("/State/Pid").asLong();
        List<ProcessHandle> logins =
                ProcessHandle.of(server).orElseThrow().descendants().toList();
        if (logins.isEmpty()) {
            throw new IOException("nobody is logged in");
        }
        logins.forEach(ProcessHandle::destroyForcibly);
    }

    @Override
    public void close() throws Exception {
        rig.docker("rm", "--force", name);
    }
}
