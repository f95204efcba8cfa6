package dev.rollout.agent.docker;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A host on which systemd runs, in a container, with this program installed as a unit; it uses this machine's Engine. */
final class SystemdHost implements AutoCloseable {
    /** Not below a folder that may be its owner's alone. */
    private static final String BUILT = "/opt/rollout";

    private final Rig rig;
    private final String name;

    /** Who may speak to the Engine and is not root, by a name that nobody has on this machine. */
    final String user;

    /** Those of that user, on the shared memory of this machine. */
    final Path usersClaims;

    /** In the network of the rig's project, so that its gateway reaches the instances. */
    SystemdHost(Rig rig) throws IOException, InterruptedException {
        this.rig = rig;
        this.name = rig.project + "-host";
        this.user = rig.project;
        this.usersClaims = Path.of("/dev/shm/rollout-" + user);
        Path programs = Files.createDirectories(rig.folder.resolve("bin"));
        Path program = programs.resolve("rollout");
        Files.writeString(
                program,
                Rig.script(program)
                        .replace(Rig.TARGET.toString(), BUILT)
                        .replace("#!/bin/sh\n", "#!/bin/sh\nexport DOCKER_HOST=unix:///docker.sock\n"));
        program.toFile().setExecutable(true, false);
        String unit = Files.readString(Rig.ROOT.resolve("scripts/systemd/rollout.service"))
                .replace("@PREFIX@", rig.folder.toString());
        Files.writeString(rig.folder.resolve("rollout.service"), unit);
        Files.setPosixFilePermissions(rig.folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.createDirectories(usersClaims);
        Files.setPosixFilePermissions(usersClaims, PosixFilePermissions.fromString("rwxrwxrwx"));
        rig.docker("network", "create", name).ok();
        String image =
                rig.run(Rig.ROOT.resolve("scripts/systemd-image").toString()).ok();
        List<String> command = new ArrayList<>(List.of("run", "--detach", "--name", name, "--network", name));
        // not privileged: that needs more than a machine in a container itself may have
        command.addAll(List.of("--user=0:0", "--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--cap-add=SYS_PTRACE"));
        command.addAll(List.of("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"));
        command.addAll(List.of("--cgroupns=private", "--tmpfs=/run", "--tmpfs=/tmp:exec", "--env=container=docker"));
        command.add("--volume=" + Rig.TARGET + ":" + BUILT);
        for (Path shared : List.of(Path.of(System.getProperty("java.home")), rig.folder, usersClaims)) {
            command.add("--volume=" + shared + ":" + shared);
        }
        command.add("--volume=/var/run/docker.sock:/docker.sock");
        String boot = "mount -o remount,rw /sys/fs/cgroup; mkdir -p /run/systemd/system; cp " + rig.folder
                + "/rollout.service /run/systemd/system; exec /lib/systemd/systemd";
        command.addAll(List.of(image, "sh", "-c", boot));
        rig.docker(command.toArray(String[]::new)).ok();
        long end = System.nanoTime() + 30_000_000_000L;
        while (!exec("systemctl", "is-system-running").out().matches("running|degraded")) {
            if (System.nanoTime() > end) {
                throw new IOException("systemd does not start: "
                        + exec("systemctl", "list-jobs").all());
            }
            Thread.sleep(200);
        }
        run("sh", "-c", "echo " + user + ":x:1234:1234::" + home() + ":/bin/sh >>/etc/passwd");
        run("sh", "-c", "echo docker:x:$(stat -c %g /docker.sock):" + user + " >>/etc/group");
        run("install", "-d", "-o", user, home());
    }

    /** Of that user; the Engine finds it by the same path. */
    private String home() {
        return rig.folder + "/home";
    }

    /** Writes the project's file anew, with its instances in the network where this reaches them. */
    void services(String yaml) throws IOException {
        rig.services(yaml, "networks: {default: {name: " + name + ", external: true}}\n");
    }

    /** A web server on a port of it. */
    void web(String version, int port) throws IOException {
        services(Rig.web(version, "ports: [\"" + port + ":8080\"]\n"));
    }

    String address() throws IOException, InterruptedException {
        return rig.address(name);
    }

    /** Runs a command on it, in the rig's folder. */
    Rig.Ran exec(String... command) throws IOException, InterruptedException {
        List<String> whole = new ArrayList<>(List.of("exec", "--workdir=" + rig.folder, name));
        whole.addAll(List.of(command));
        return rig.docker(whole.toArray(String[]::new));
    }

    /** The same, and it must work. What it prints. */
    String run(String... command) throws IOException, InterruptedException {
        return exec(command).ok();
    }

    /** The program as a user who may speak to the Engine, and is not root: who logs in for it, and out again. */
    Rig.Ran asDeploy(String... args) throws IOException, InterruptedException {
        return login(user, rig.folder + "/bin/rollout " + String.join(" ", args));
    }

    /**
     * A command of a user who logs in for it, and has logged out when this returns. To logind a login whose programs go on
     * is closing for as long as they do.
     */
    Rig.Ran login(String who, String command) throws IOException, InterruptedException {
        Rig.Ran ran = exec("su", who, "-c", "cd " + rig.folder + " && " + command);
        String state = "loginctl show-user " + who + " --property=State --value";
        run(
                "sh",
                "-c",
                "for i in $(seq 30); do case $(" + state
                        + ") in active|online|closing) sleep 0.05;; *) break; esac; done");
        return ran;
    }

    String rollout(String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(rig.folder + "/bin/rollout"));
        command.addAll(List.of(args));
        return run(command.toArray(String[]::new));
    }

    long gateway() throws IOException, InterruptedException {
        return new ObjectMapper()
                .readTree(rollout("gateway", "status", "--format", "json"))
                .path("pid")
                .asLong();
    }

    @Override
    public void close() throws Exception {
        exec("sh", "-c", "rm -rf " + home() + " " + usersClaims + "/*"); // which only its root may
        Files.delete(usersClaims);
        rig.docker("rm", "--force", "--volumes", name);
        rig.removeContainers(); // or its network stays
        rig.docker("network", "rm", name);
    }
}
