package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Leading the published ports over and back. Does nothing for a service whose ports are not the gateway's. Where the ports
 * are handed back to Docker, the gateway makes room before the candidate is started, which Docker publishes then, and lets
 * go of them last.
 */
final class Routing {
    private final Ticket ticket;
    private final ServiceSpec spec;
    private final Ports ports;
    private final Versions versions;

    Routing(Ticket ticket, Versions versions, Ports ports) {
        this.ticket = ticket;
        this.spec = ticket.spec();
        this.ports = ports;
        this.versions = versions;
    }

    /** Whether Docker publishes the ports itself, as for a service that is stopped first. */
    boolean dockerPublishes() {
        return spec.publishesPorts() && (releases() || !ports.traffic().routes(spec));
    }

    private boolean releases() {
        return ticket.kind() == Ticket.Kind.RELEASE;
    }

    /** Before a candidate is started: room for Docker on the host's ports where it gets them; all is led on as it is. */
    void prepare() {
        if (releases()) {
            ports.traffic()
                    .park(spec, serving(look(), instance -> !instance.rollout().equals(ticket.id())));
        } else if (ours()) {
            ports.traffic().prepare();
        }
    }

    /** The last step of handing the ports back; of a service that is to have no instance nobody waits for one. */
    void letGo() {
        if (releases() || spec.replicas() == 0 && ports.traffic().leads(ticket.key())) {
            ports.traffic().release(ticket.key());
        }
    }

    /** What was to be replaced up to a batch gets nothing new; all others of the service do. */
    void over(int batch, Observed now) {
        Set<String> replaced = new HashSet<>();
        ticket.batches()
                .subList(0, batch + 1)
                .forEach(done -> done.previous().forEach(previous -> replaced.add(previous.id())));
        Predicate<Instance> serves = instance -> !replaced.contains(instance.id());
        if (releases()) {
            ports.traffic().park(spec, serving(now, serves));
        } else if (ours()) {
            ports.traffic().point(spec, now.all(), serving(now, serves));
        }
    }

    /** The candidates of these batches get nothing new; all others of the service do. Without others there is no port. */
    void back(List<Batch> batches) {
        if (!ours()) {
            return;
        }
        Set<Integer> slots = new HashSet<>();
        batches.forEach(batch -> slots.addAll(batch.slots()));
        Predicate<Instance> stays =
                instance -> !(instance.rollout().equals(ticket.id()) && slots.contains(instance.slot()));
        Observed now = look();
        now.all().stream()
                .filter(stays)
                .max(Comparator.comparing(Instance::generation))
                .ifPresentOrElse(
                        newest -> ports.traffic().point(versions.of(newest), now.all(), serving(now, stays)),
                        () -> ports.traffic().release(ticket.key()));
    }

    /** Whether the service's ports are the gateway's. */
    private boolean ours() {
        return spec.publishesPorts()
                ? ports.traffic().routes(spec)
                : ports.traffic().leads(ticket.key()); // those of the version before
    }

    private Observed look() {
        return Observed.now(ticket, ports.engine());
    }

    /** The newest first. */
    private List<Served> serving(Observed now, Predicate<Instance> serves) {
        return now.all().stream()
                .filter(Instance::running)
                .filter(serves)
                .sorted(Comparator.comparing(Instance::generation).reversed())
                .map(instance -> new Served(instance, versions.of(instance)))
                .toList();
    }

    /**
     * Whether a previous has answered all that it was asked. Connections that came by Docker's own port, before the gateway
     * took it, cannot be led elsewhere: they end there.
     */
    boolean idle(Previous previous, Observed now) {
        if (!ours()) { // not any more, where only the version before had ports
            return !versions.of(previous).publishesPorts()
                    || ports.traffic().inFlight(ticket.key(), previous.id()) == 0;
        }
        List<Integer> published = now.find(previous).map(Instance::hostPorts).orElse(List.of()).stream()
                .map(Instance.HostPort::target)
                .distinct()
                .toList();
        return ports.traffic().inFlight(ticket.key(), previous.id()) == 0
                && (published.isEmpty() || ports.engine().connections(previous.id(), published) == 0);
    }

    /** Ends what a previous did not finish in its time. How much it was. */
    int cut(Previous previous) {
        return ports.traffic().cut(ticket.key(), previous.id());
    }
}
