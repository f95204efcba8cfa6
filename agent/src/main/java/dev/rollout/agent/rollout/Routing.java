package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
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

    Routing(Ticket ticket, Ports ports) {
        this.ticket = ticket;
        this.spec = ticket.spec();
        this.ports = ports;
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

    /** The last step of handing the ports back. */
    void letGo() {
        if (releases()) {
            ports.traffic().release(ticket.key());
        }
    }

    /** What was to be replaced up to a batch gets nothing new; all others of the service do. */
    void over(int batch, Observed now) {
        Set<String> replaced = new HashSet<>();
        ticket.batches()
                .subList(0, batch + 1)
                .forEach(done -> done.previous().forEach(previous -> replaced.add(previous.id())));
        List<Instance> serving = serving(now, instance -> !replaced.contains(instance.id()));
        if (releases()) {
            ports.traffic().park(spec, serving);
        } else if (ours()) {
            ports.traffic().point(spec, now.all(), serving);
        }
    }

    /** The candidates of these batches get nothing new; all others of the service do. Without others there is no port. */
    void back(List<Batch> batches) {
        Set<Integer> slots = new HashSet<>();
        batches.forEach(batch -> slots.addAll(batch.slots()));
        Predicate<Instance> stays =
                instance -> !(instance.rollout().equals(ticket.id()) && slots.contains(instance.slot()));
        if (!ours()) {
            return;
        }
        Observed now = look();
        if (now.all().stream().anyMatch(stays)) {
            ports.traffic().point(spec, now.all(), serving(now, stays));
        } else {
            ports.traffic().release(ticket.key());
        }
    }

    /** Whether the service's ports are the gateway's. */
    private boolean ours() {
        return spec.publishesPorts() && ports.traffic().routes(spec);
    }

    private Observed look() {
        return Observed.now(ticket, ports.engine());
    }

    private static List<Instance> serving(Observed now, Predicate<Instance> serves) {
        return now.all().stream().filter(Instance::running).filter(serves).toList();
    }

    /**
     * Whether a previous has answered all that it was asked. Connections that came by Docker's own port, before the gateway
     * took it, cannot be led elsewhere: they end there.
     */
    boolean idle(Previous previous, Observed now) {
        if (!ours()) {
            return true;
        }
        boolean published = now.find(previous).filter(Instance::published).isPresent();
        return ports.traffic().inFlight(ticket.key(), previous.id()) == 0
                && (!published || ports.engine().connections(previous.id(), spec.targetPorts()) == 0);
    }

    /** Ends what a previous did not finish in its time. How much it was. */
    int cut(Previous previous) {
        return ours() ? ports.traffic().cut(ticket.key(), previous.id()) : 0;
    }
}
