package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Ticket;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The containers that a rollout made, as the Engine has them now. */
final class Candidates {
    private final Ticket ticket;
    private final ContainerEngine engine;

    Candidates(Ticket ticket, ContainerEngine engine) {
        this.ticket = ticket;
        this.engine = engine;
    }

    Optional<Instance> in(int slot) {
        return there(List.of(slot)).stream().findFirst();
    }

    /** Those of a batch that are there. */
    List<Instance> there(Batch batch) {
        return there(batch.slots());
    }

    private List<Instance> there(List<Integer> slots) {
        return engine.instances(ticket.key()).stream()
                .filter(instance -> instance.rollout().equals(ticket.id()) && slots.contains(instance.slot()))
                .sorted(Comparator.comparingInt(Instance::slot))
                .toList();
    }

    /** All of a batch. @throws StepFailed where one is missing */
    List<Instance> of(Batch batch) {
        List<Instance> there = batch.slots().isEmpty() ? List.of() : there(batch);
        if (there.size() != batch.slots().size()) {
            throw new StepFailed("a candidate was removed by somebody else", Map.of());
        }
        return there;
    }
}
