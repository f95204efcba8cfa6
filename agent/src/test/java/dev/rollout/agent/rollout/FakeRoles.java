package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Handover;
import dev.rollout.agent.model.ServiceKey;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Roles in memory; instances obey at once. */
final class FakeRoles implements RoleKeeper {
    @Nullable
    String active;

    final Set<String> told = new HashSet<>();
    long generation;
    long fence;

    @Override
    public Optional<String> refusal() {
        return Optional.empty();
    }

    @Override
    public String folder(ServiceKey key) {
        return "/shm/" + key;
    }

    @Override
    public ContainerEngine.Injection prepare(
            ServiceKey key, Handover handover, String instance, long generation, boolean standby) {
        return new ContainerEngine.Injection(Map.of("ROLLOUT_INSTANCE", instance), List.of(), List.of());
    }

    @Override
    public boolean ready(ServiceKey key, String instance) {
        return true;
    }

    @Override
    public long generation(ServiceKey key) {
        return generation;
    }

    @Override
    public @Nullable String active(ServiceKey key) {
        return active;
    }

    @Override
    public void activate(ServiceKey key, Handover handover, @Nullable String instance, long generation) {
        active = instance;
        this.generation = Math.max(this.generation, generation);
    }

    @Override
    public void tellToDrain(ServiceKey key, String instance) {
        told.add(instance);
    }

    @Override
    public void tellToGoOn(ServiceKey key, String instance) {
        told.remove(instance);
    }

    @Override
    public boolean drained(ServiceKey key, String instance) {
        return !instance.equals(active);
    }

    @Override
    public void fence(ServiceKey key, long minGeneration) {
        fence = Math.max(fence, minGeneration);
    }

    @Override
    public Optional<String> alarm(ServiceKey key, String instance) {
        return Optional.empty();
    }

    @Override
    public void forget(ServiceKey key, String instance) {
        told.remove(instance);
    }
}
