package dev.rollout.agent.model;

import java.nio.file.Path;
import java.util.Map;

/**
 * Where the agent keeps its things: the system's folders for root, the XDG ones for an ordinary user; each can be
 * overridden, so that agents of their own run side by side.
 *
 * @param state durable: the journal, the role files, the log
 * @param runtime the socket
 * @param shm claims, on shared memory
 */
public record Folders(Path state, Path runtime, Path shm) {
    /** Whether this program may lead connections past a port, and give files to a group of its own. */
    public static boolean byRoot() {
        return System.getProperty("user.name").equals("root");
    }

    public static Folders of(Map<String, String> environment) {
        String user = System.getProperty("user.name");
        boolean root = byRoot();
        String home = System.getProperty("user.home");
        Path state = root
                ? Path.of("/var/lib/rollout")
                : Path.of(environment.getOrDefault("XDG_STATE_HOME", home + "/.local/state"), "rollout");
        String xdgRuntime = environment.get("XDG_RUNTIME_DIR");
        Path runtime = root
                ? Path.of("/run/rollout")
                : xdgRuntime == null ? Path.of("/tmp/rollout-" + user) : Path.of(xdgRuntime, "rollout");
        Path shm = Path.of(root ? "/dev/shm/rollout" : "/dev/shm/rollout-" + user);
        return new Folders(
                Path.of(environment.getOrDefault("ROLLOUT_STATE_DIR", state.toString()))
                        .toAbsolutePath(),
                Path.of(environment.getOrDefault("ROLLOUT_RUNTIME_DIR", runtime.toString()))
                        .toAbsolutePath(),
                Path.of(environment.getOrDefault("ROLLOUT_SHM_DIR", shm.toString()))
                        .toAbsolutePath());
    }

    public Path socket() {
        return runtime.resolve("agent.sock");
    }

    /** The gateway's control socket. */
    public Path gatewaySocket() {
        return runtime.resolve("gateway.sock");
    }

    public Path gatewayLog() {
        return state.resolve("gateway.log");
    }

    public Path log() {
        return state.resolve("agent.log");
    }
}
