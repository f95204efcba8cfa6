package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Isolation;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Template;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** A container daemon in memory. Its containers outlive the agent that made them. */
final class FakeEngine implements ContainerEngine {
    final Map<String, Instance> containers = new LinkedHashMap<>();
    final Map<String, RestartPolicy> policies = new HashMap<>();
    final Map<String, CompletableFuture<Exit>> exits = new HashMap<>();
    final List<String> calls = new ArrayList<>();
    int parked;
    Crash.At crash = new Crash.At(Integer.MAX_VALUE);
    /** Candidates die as soon as they are started. */
    boolean candidatesDie;

    /** The rollout that made what {@link #running} makes. */
    static final String BEFORE = "r0";

    private int made;

    Instance running(String name, int slot, long generation, String hash) {
        String id = String.format("%064d", ++made);
        Instance instance = new Instance(
                id,
                name,
                slot,
                generation,
                BEFORE,
                "",
                hash,
                "image-" + hash,
                "image",
                Instance.State.RUNNING,
                "127.0.0.1",
                made,
                List.of());
        containers.put(id, instance);
        policies.put(id, new RestartPolicy("unless-stopped", 0));
        return instance;
    }

    private void change(String id, Instance.State state) {
        Instance old = get(id);
        containers.put(id, with(old, old.name(), state));
        if (state == Instance.State.EXITED) {
            exits.computeIfAbsent(id, key -> new CompletableFuture<>()).complete(new Exit(0, false));
        } else {
            exits.put(id, new CompletableFuture<>());
        }
    }

    private Instance get(String id) {
        Instance found = containers.get(id);
        if (found == null) {
            throw new EngineRefused(404, "no such container " + id);
        }
        return found;
    }

    private static Instance with(Instance old, String name, Instance.State state) {
        return new Instance(
                old.id(),
                name,
                old.slot(),
                old.generation(),
                old.rollout(),
                old.agent(),
                old.configHash(),
                old.imageId(),
                old.image(),
                state,
                old.address(),
                old.createdAt(),
                old.hostPorts());
    }

    private void act(String call, Runnable effect) {
        crash.around(() -> {
            calls.add(call);
            effect.run();
        });
    }

    @Override
    public Isolation isolation() {
        return Isolation.NONE;
    }

    @Override
    public List<Instance> instances(ServiceKey key) {
        return List.copyOf(containers.values());
    }

    @Override
    public Optional<Instance> find(String id) {
        return Optional.ofNullable(containers.get(id));
    }

    @Override
    public Revision prepare(ServiceSpec spec, Asker asker, Consumer<String> progress) {
        return revision(spec).orElseThrow();
    }

    @Override
    public Optional<Revision> revision(ServiceSpec spec) {
        String hash = spec.hashes().getFirst();
        return Optional.of(new Revision(hash, "image-" + hash));
    }

    @Override
    public Instance create(ServiceSpec spec, Revision revision, Birth birth) {
        Optional<Instance> there = containers.values().stream()
                .filter(c -> c.name().equals(birth.name()))
                .findFirst();
        if (there.isPresent()) {
            if (!there.get().rollout().equals(birth.rollout())) {
                throw new EngineRefused(409, "the name " + birth.name() + " is in use");
            }
            return there.get();
        }
        String id = String.format("%064d", ++made);
        act("create " + birth.name(), () -> {
            containers.put(
                    id,
                    new Instance(
                            id,
                            birth.name(),
                            birth.slot(),
                            birth.generation(),
                            birth.rollout(),
                            birth.agent(),
                            revision.configHash(),
                            revision.imageId(),
                            "image",
                            Instance.State.CREATED,
                            "127.0.0.1",
                            made,
                            birth.publish() ? List.of(new Instance.HostPort(80, 80)) : List.of()));
            policies.put(id, RestartPolicy.NO);
        });
        return get(id);
    }

    @Override
    public int connections(String id, List<Integer> ports) {
        return 0;
    }

    @Override
    public void start(String id) {
        act("start", () -> {
            change(id, Instance.State.RUNNING);
            if (candidatesDie && !get(id).rollout().isEmpty()) {
                change(id, Instance.State.EXITED);
            }
        });
    }

    @Override
    public void stop(String id, Duration grace) {
        if (containers.containsKey(id)) {
            act("stop", () -> change(id, Instance.State.EXITED));
        }
    }

    @Override
    public void remove(String id) {
        act("remove", () -> containers.remove(id));
    }

    @Override
    public void rename(String id, String name) {
        if (containers.values().stream().anyMatch(c -> c.name().equals(name) && !c.id().equals(id))) {
            throw new EngineRefused(409, "the name " + name + " is in use");
        }
        act("rename " + name, () -> containers.put(id, with(get(id), name, get(id).state())));
    }

    @Override
    public RestartPolicy restartPolicy(String id) {
        return policies.getOrDefault(id, RestartPolicy.NO);
    }

    @Override
    public void setRestartPolicy(String id, RestartPolicy policy) {
        get(id);
        act("restart policy", () -> policies.put(id, policy));
    }

    @Override
    public void signal(String id, String signal) {
        act("signal " + get(id).configHash(), () -> {});
    }

    @Override
    public void touch(String id, String path) {
        act("touch", () -> {});
    }

    @Override
    public Executed exec(String id, Command command, Duration timeout) {
        return new Executed(Optional.of(0), "");
    }

    @Override
    public CompletableFuture<Exit> exit(String id) {
        Instance found = containers.get(id);
        if (found == null || found.state() == Instance.State.EXITED) {
            return CompletableFuture.completedFuture(new Exit(1, found == null));
        }
        return exits.computeIfAbsent(id, key -> new CompletableFuture<>());
    }

    @Override
    public Autopsy autopsy(String id) {
        return new Autopsy(containers.containsKey(id) ? "exited" : "gone", 1, false, "", List.of("last line"));
    }

    @Override
    public Reach reach(String id) {
        return new Reach(Optional.of("127.0.0.1"), 1, List.of(), false, List.of(), 0);
    }

    @Override
    public void park(String id, ServiceSpec spec) {
        act("park", () -> parked = 1);
    }

    @Override
    public Optional<String> folder(String id, String inside) {
        return Optional.empty();
    }

    @Override
    public Optional<Template> template(String id) {
        return Optional.empty();
    }

    @Override
    public void keepImages(ServiceKey key) {}

    @Override
    public List<String> namespaceUsers(ServiceKey key, Set<String> ids) {
        return List.of();
    }

    @Override
    public boolean namespaceIsLost(String id) {
        return false;
    }

    @Override
    public void unpark(ServiceKey key) {
        act("unpark", () -> parked = 0);
    }

    @Override
    public Memory memory(ServiceSpec spec, List<Instance> observed, int candidates) {
        return new Memory(0, Long.MAX_VALUE);
    }
}
