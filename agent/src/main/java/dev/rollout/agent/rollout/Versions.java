package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import java.util.HashMap;
import java.util.Map;

/**
 * What each instance of a rollout's service was made from, as the ticket of its own rollout tells: another version may have
 * other ports, another check, another doorbell. Of one that no rollout made, the file of now is taken. How a service is
 * rolled, drained and stopped is a matter of the file of now for all, as with Compose.
 */
final class Versions {
    private final Ticket ticket;
    private final Journal journal;
    private final Map<String, ServiceSpec> known = new HashMap<>();

    Versions(Ticket ticket, Journal journal) {
        this.ticket = ticket;
        this.journal = journal;
    }

    ServiceSpec of(Instance instance) {
        return of(instance.rollout());
    }

    ServiceSpec of(Previous previous) {
        return of(previous.rollout());
    }

    private synchronized ServiceSpec of(String rollout) {
        return known.computeIfAbsent(
                rollout,
                id -> (id.equals(ticket.id())
                                ? ticket
                                : journal.find(id).map(Journal.Past::ticket).orElse(ticket))
                        .spec());
    }
}
