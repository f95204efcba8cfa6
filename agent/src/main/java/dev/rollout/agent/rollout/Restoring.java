package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Event;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The way back. */
final class Restoring {
    private final Ticket ticket;
    private final ServiceSpec spec;
    private final Ports ports;
    private final ContainerEngine engine;
    private final Versions versions;
    private final Handing handing;
    private final Routing routing;

    Restoring(Ticket ticket, Versions versions, Ports ports, Handing handing, Routing routing) {
        this.ticket = ticket;
        this.spec = ticket.spec();
        this.ports = ports;
        this.engine = ports.engine();
        this.versions = versions;
        this.handing = handing;
        this.routing = routing;
    }

    /** Puts the previous back and removes the candidates: the previous runs before its candidate is touched. */
    Event restore(List<Batch> batches) throws InterruptedException {
        for (Batch batch : batches) {
            List<Instance> candidates = Observed.now(ticket, engine).candidates(batch);
            if (spec.update().order() == Order.STOP_FIRST) {
                candidates.forEach(
                        candidate -> engine.stop(candidate.id(), spec.stopGracePeriod())); // it holds the ports
            }
            for (Previous previous : batch.previous()) {
                revive(previous);
            }
            handing.back(batch.previous());
            routing.back(batches);
            for (Instance candidate : candidates) {
                if (!candidate.running()) {
                    engine.remove(candidate.id()); // dead: it only holds a name
                    continue;
                }
                setRestartPolicy(candidate.id(), RestartPolicy.NO);
                if (candidate.name().equals(spec.containerName(candidate.slot()))) {
                    engine.rename(candidate.id(), candidate.name() + Steps.NEXT);
                }
            }
            for (Previous previous : batch.previous()) {
                engine.find(previous.id()).ifPresent(found -> {
                    if (!found.name().equals(previous.name())) {
                        engine.rename(found.id(), previous.name());
                    }
                    setRestartPolicy(found.id(), previous.restart());
                });
            }
            for (Instance candidate : candidates) {
                if (candidate.running()) {
                    engine.stop(candidate.id(), spec.stopGracePeriod());
                }
                engine.remove(candidate.id());
                handing.forget(candidate);
            }
        }
        note("restored", "the candidates are removed");
        return Event.RESTORED;
    }

    private void revive(Previous previous) throws InterruptedException {
        Instance found = engine.find(previous.id())
                .orElseThrow(() -> new StepFailed(
                        previous.name() + " (" + previous.id().substring(0, 12) + ") was removed by somebody else",
                        Map.of()));
        if (!previous.running() || found.running()) {
            return;
        }
        engine.start(previous.id());
        note("revived", previous.name() + " is started again");
        CompletableFuture<ContainerEngine.Exit> exit = engine.exit(previous.id());
        Instance running = engine.find(previous.id()).orElse(found);
        if (!(ports.probe().until(running, versions.of(previous), exit) instanceof ReadinessProbe.Verdict.Ready)) {
            note("revived", previous.name() + " was started again, but is not ready");
        }
    }

    /** Where nothing had been promoted it is as it was, and the Engine does not change it in a container that is just dying. */
    private void setRestartPolicy(String id, RestartPolicy policy) {
        if (!engine.restartPolicy(id).equals(policy)) {
            engine.setRestartPolicy(id, policy);
        }
    }

    private void note(String kind, String text) {
        ports.journal().note(ticket.id(), kind, text, Map.of());
    }
}
