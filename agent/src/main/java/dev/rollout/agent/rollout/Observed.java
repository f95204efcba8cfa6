package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.Ticket;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The containers of a rollout's service, as the Engine had them at one look. */
record Observed(Ticket ticket, List<Instance> all) {
    static Observed now(Ticket ticket, ContainerEngine engine) {
        return new Observed(ticket, engine.instances(ticket.key()));
    }

    Optional<Instance> find(Previous previous) {
        return all.stream()
                .filter(instance -> instance.id().equals(previous.id()))
                .findFirst();
    }

    Optional<Instance> candidate(int slot) {
        return candidates(List.of(slot)).stream().findFirst();
    }

    /** Those that the rollout made of a batch, as far as they are there. */
    List<Instance> candidates(Batch batch) {
        return candidates(batch.slots());
    }

    private List<Instance> candidates(List<Integer> slots) {
        return all.stream()
                .filter(instance -> instance.rollout().equals(ticket.id()) && slots.contains(instance.slot()))
                .sorted(Comparator.comparingInt(Instance::slot))
                .toList();
    }

    /** All that the rollout made of a batch. @throws StepFailed where one is missing */
    List<Instance> allCandidates(Batch batch) {
        List<Instance> there = candidates(batch);
        if (there.size() != batch.slots().size()) {
            throw new StepFailed("a candidate was removed by somebody else", Map.of());
        }
        return there;
    }
}
