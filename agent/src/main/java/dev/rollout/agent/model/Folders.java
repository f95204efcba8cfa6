package dev.rollout.agent.model;

import java.nio.file.Path;
import java.util.Map;

/**
 * Where the agent keeps its things: the system's folders for root, the XDG state folder for an ordinary user; each can be
 * overridden, so that agents of their own run side by side. Not {@code XDG_RUNTIME_DIR}: that is taken away at the end of a
 * login, which an agent outlives, and a job of cron has none.
 *
 * @param state durable: the journal, the role files, the log
 * @param runtime the socket
 * @param shm claims, on shared memory
 */
public record Folders(Path state, Path runtime, Path shm) {
    /** Those of root's agent. */
    public static final Folders OF_HOST =
            new Folders(Path.of("/var/lib/rollout"), Path.of("/run/rollout"), Path.of("/dev/shm/rollout"));

    /** Whether this program may lead connections past a port, and give files to a group of its own. */
    public static boolean byRoot() {
        return System.getProperty("user.name").equals("root");
    }

    public static Folders of(Map<String, String> environment) {
        String user = System.getProperty("user.name");
        String home = System.getProperty("user.home");
        Path own = Path.of(environment.getOrDefault("XDG_STATE_HOME", home + "/.local/state"), "rollout");
        Folders usual = byRoot() ? OF_HOST : new Folders(own, own.resolve("run"), Path.of("/dev/shm/rollout-" + user));
        return new Folders(
                named(environment, "ROLLOUT_STATE_DIR", usual.state),
                named(environment, "ROLLOUT_RUNTIME_DIR", usual.runtime),
                named(environment, "ROLLOUT_SHM_DIR", usual.shm));
    }

    private static Path named(Map<String, String> environment, String variable, Path usual) {
        return Path.of(environment.getOrDefault(variable, usual.toString()))
                .toAbsolutePath()
                .normalize();
    }

    public Path socket() {
        return runtime.resolve("agent.sock");
    }

    /** The address of the Engine that the agent here speaks to. Whoever may read it may use the agent, and it stays when that ends. */
    public Path engine() {
        return runtime.resolve("engine");
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
