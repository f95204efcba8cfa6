package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Isolation;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Template;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One container daemon. Every change is idempotent: done already is done. A call that the daemon does not answer in time
 * throws {@link EngineUnavailable}; what it refuses throws {@link EngineRefused}.
 */
public interface ContainerEngine {
    /** How far its containers are set apart from the host. */
    Isolation isolation();

    /** The service's containers, parked ones not among them. */
    List<Instance> instances(ServiceKey key);

    /** One container, wherever it belongs. */
    Optional<Instance> find(String id);

    /** Networks, volumes and the image, pulled or built: everything but a container. */
    Revision prepare(ServiceSpec spec, Asker asker, Consumer<String> progress);

    /** What {@link #prepare} would find now, without changing anything: empty where the image is not here yet. */
    Optional<Revision> revision(ServiceSpec spec);

    /** Makes a container. Its restart policy is "no". */
    Instance create(ServiceSpec spec, Revision revision, Birth birth);

    void start(String id);

    /** Stops gracefully: the container's stop signal, then SIGKILL after the grace period. Gone already is stopped. */
    void stop(String id, Duration grace);

    /** Removes by force, with the anonymous volumes that are not shared. */
    void remove(String id);

    void rename(String id, String name);

    RestartPolicy restartPolicy(String id);

    void setRestartPolicy(String id, RestartPolicy policy);

    void signal(String id, String signal);

    /** Runs a command in a container. */
    Executed exec(String id, Command command, Duration timeout);

    /** Done when the container is not running (any more). */
    CompletableFuture<Exit> exit(String id);

    /** What can still be told about a container that failed. */
    Autopsy autopsy(String id);

    /** Connections that a container has open on some of its TCP ports; 0 where it cannot be told. */
    int connections(String id, List<Integer> ports);

    /** Makes an empty file appear in a container; its folder is there. */
    void touch(String id, String path);

    /** How to reach a running container. */
    Reach reach(String id);

    /** The host's folder that a container has at a path of its own; empty where it has none. */
    Optional<String> folder(String id, String inside);

    /** Names of the project's running containers that have a namespace of one of these containers, and lose it with them. */
    List<String> namespaceUsers(ServiceKey key, Set<String> ids);

    /** Whether a container has a namespace of one that does not run any more. */
    boolean namespaceIsLost(String id);

    /** What a container was made from; empty where it is gone. */
    Optional<Template> template(String id);

    /** Keeps a stopped container's image and anonymous volumes for undo, out of Compose's sight. */
    void park(String id, ServiceSpec spec);

    /** Removes what is parked for a service. */
    void unpark(ServiceKey key);

    /** Sees to it that the images of the service's containers stay here while these do, and that others do not stay for them. */
    void keepImages(ServiceKey key);

    /** Bytes that a second set of candidates may take, and bytes that the host can give. */
    Memory memory(ServiceSpec spec, List<Instance> observed, int candidates);

    /**
     * Whose birth a container is.
     *
     * @param publish whether Docker publishes its ports; else the gateway leads to them
     */
    record Birth(
            String name,
            int slot,
            String rollout,
            long generation,
            String agent,
            Injection injection,
            boolean publish) {}

    /** What the agent puts into a container that takes part in a hand-over. */
    record Injection(Map<String, String> environment, List<String> binds, List<String> groups) {
        public static final Injection NONE = new Injection(Map.of(), List.of(), List.of());
    }

    record Command(
            List<String> words,
            @Nullable String user,
            @Nullable String workingDir,
            List<String> environment,
            boolean privileged) {
        public static Command of(List<String> words) {
            return new Command(words, null, null, List.of(), false);
        }
    }

    /** @param exitCode empty where it timed out */
    record Executed(Optional<Integer> exitCode, String output) {}

    record Exit(int code, boolean gone) {}

    record Autopsy(String state, int exitCode, boolean outOfMemory, String error, List<String> lastLines) {
        /** The end in a few words. */
        public String words() {
            if (outOfMemory) {
                return "it was killed for want of memory (OOM, exit code " + exitCode + ")";
            }
            String because = error.isEmpty() ? "" : " (" + error + ")";
            return switch (state) {
                case "running" -> "it is running" + because;
                case "created" -> "it never started" + because;
                case "gone" -> "it is gone";
                default -> "it exited with code " + exitCode + because;
            };
        }
    }

    /**
     * @param address the container's address; empty where it has none of its own
     * @param pid of its first process, on this host
     * @param listening TCP ports that something in it listens on, as far as can be told
     * @param shared whether others may answer at its address, the previous version among them: what listens is its own
     *     then. False where that cannot be told, too
     * @param healthTest the healthcheck's test, from the image or the service
     * @param exposed the image's first TCP port; 0 where there is none
     */
    record Reach(
            Optional<String> address,
            long pid,
            List<Integer> listening,
            boolean shared,
            List<String> healthTest,
            int exposed) {}

    record Memory(long needed, long available) {}
}
