package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Handover;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import dev.rollout.contract.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Handing the role over and back. Does nothing for a service without a hand-over. */
final class Handing {
    private static final Duration TICK = Duration.ofMillis(10);

    private final Ticket ticket;
    private final ServiceKey key;
    private final Versions versions;
    private final Ports ports;
    private final @Nullable Handover handover;

    Handing(Ticket ticket, Versions versions, Ports ports) {
        this.ticket = ticket;
        this.key = ticket.key();
        this.versions = versions;
        this.ports = ports;
        this.handover = ticket.spec().handover();
    }

    ContainerEngine.Injection injection(int slot) {
        if (handover == null) {
            return ContainerEngine.Injection.NONE;
        }
        boolean standby =
                ticket.batches().stream().anyMatch(batch -> !batch.previous().isEmpty());
        return ports.roles()
                .prepare(key, handover, RoleKeeper.name(key, ticket.generation(), slot), ticket.generation(), standby);
    }

    /**
     * The candidate becomes the active one. An exclusive source is let go by the previous first.
     *
     * @return whether there was something to hand over, which may have taken its time
     */
    boolean over(List<Instance> candidates, List<Previous> previous) throws InterruptedException {
        if (handover == null || candidates.isEmpty()) {
            return false;
        }
        String candidate = name(candidates.getFirst());
        if (handover.mode() == Mode.EXCLUSIVE && !candidate.equals(ports.roles().active(key))) {
            ports.roles().activate(key, handover, null, ticket.generation());
            awaitLetGo(previous);
        }
        ports.roles().activate(key, handover, candidate, ticket.generation());
        candidates.forEach(one -> ring(one.id(), versions.of(one)));
        ring(previous);
        return true;
    }

    private void awaitLetGo(List<Previous> previous) throws InterruptedException {
        long start = ports.waiter().nanos();
        for (Previous one : previous) {
            CompletableFuture<ContainerEngine.Exit> gone = ports.engine().exit(one.id());
            while (!gone.isDone() && !drained(one)) {
                if (ports.waiter().nanos() - start > Steps.letGo().toNanos()) {
                    throw new StepFailed(
                            one.name() + " did not let go of the event source within "
                                    + Steps.letGo().toSeconds() + " s, so it was not handed over",
                            java.util.Map.of());
                }
                ports.waiter().await(gone, TICK);
            }
        }
    }

    /** One that another version's doorbell could end, or that no rollout made, hears of it by itself. */
    private void ring(List<Previous> previous) {
        previous.stream().filter(one -> one.generation() > 0).forEach(one -> ring(one.id(), versions.of(one)));
    }

    /** A doorbell is a hint: the rows are read within 100 ms all the same, so nobody waits for it and nothing fails. */
    private void ring(String container, ServiceSpec madeFrom) {
        Handover own = madeFrom.handover();
        if (own == null) {
            return;
        }
        String signal = own.signal();
        if (signal != null) {
            try {
                ports.engine().signal(container, signal);
            } catch (EngineRefused e) {
                // it may just have ended
            }
        }
        Readiness.Check.Http http = own.http();
        if (http != null) {
            Thread.ofVirtual()
                    .name("doorbell")
                    .start(() -> ports.probe()
                            .post(container, http, madeFrom.readiness().timeout()));
        }
    }

    void tellToDrain(Previous previous) {
        if (handover != null && handover.mode() == Mode.COMPETING) {
            ports.roles().tellToDrain(key, name(previous));
        }
    }

    /** Whether the previous has finished: at once where it has no role. */
    boolean drained(Previous previous) {
        return handover == null || previous.generation() == 0 || ports.roles().drained(key, name(previous));
    }

    void fence() {
        if (handover != null && handover.mode() != Mode.COMPETING) {
            ports.roles().fence(key, ticket.generation());
        }
    }

    /** The role goes back, under a generation above the failed candidate's. */
    void back(List<Previous> previous) {
        if (handover == null) {
            return;
        }
        if (handover.mode() == Mode.COMPETING) {
            previous.stream()
                    .filter(one -> one.generation() > 0)
                    .forEach(one -> ports.roles().tellToGoOn(key, name(one)));
            return;
        }
        String to = previous.isEmpty() || previous.getFirst().generation() == 0 ? null : name(previous.getFirst());
        if (to == null || !to.equals(ports.roles().active(key))) {
            ports.roles().activate(key, handover, to, ticket.generation() + 1);
            ring(previous);
        }
    }

    /** What the candidate has noticed since it became active. */
    Optional<String> alarm(Instance candidate) {
        return handover == null ? Optional.empty() : ports.roles().alarm(key, name(candidate));
    }

    void forget(Previous previous) {
        if (handover != null && previous.generation() > 0) {
            ports.roles().forget(key, name(previous));
        }
    }

    void forget(Instance candidate) {
        if (handover != null) {
            ports.roles().forget(key, name(candidate));
        }
    }

    private String name(Instance instance) {
        return RoleKeeper.name(key, instance.generation(), instance.slot());
    }

    private String name(Previous previous) {
        return RoleKeeper.name(key, previous.generation(), previous.slot());
    }
}
