package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Template;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Phase;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The version that a service goes back to.
 *
 * @param undone the rollout that made what serves
 * @param file the rollout whose file tells how it is rolled
 * @param revision what it is
 * @param template what its containers are made from, where that is not the file: no rollout of ours had made them
 */
record Undo(
        Ticket undone,
        Ticket file,
        Revision revision,
        @Nullable Template template) {
    private static final int LOOKED_THROUGH = 50;

    /**
     * The version of a given rollout, else the one before that which serves.
     *
     * @throws Refused where there is none
     */
    static Undo of(ServiceKey key, Optional<String> to, Journal journal) {
        List<Ticket> completed = journal.history(Optional.of(key), LOOKED_THROUGH).stream()
                .filter(past -> past.phase() == Phase.COMPLETED)
                .map(Journal.Past::ticket)
                .toList();
        if (to.isPresent()) {
            return completed.stream()
                    .filter(ticket -> ticket.id().equals(to.get()))
                    .findFirst()
                    .map(ticket -> to(completed.getFirst(), ticket))
                    .orElseThrow(() -> refused("no completed rollout '" + to.get() + "' of " + key));
        }
        if (completed.isEmpty()) {
            throw refused(key + " was never rolled out, so there is no earlier version to go back to");
        }
        Ticket undone = completed.getFirst();
        Revision serving = undone.revision();
        for (Ticket ticket : completed) {
            if (!ticket.revision().equals(serving)) {
                return to(undone, ticket);
            }
            Template replaced = ticket.replaced();
            if (replaced != null && !replaced.revision().equals(serving)) {
                return new Undo(undone, ticket, replaced.revision(), replaced);
            }
        }
        throw refused("there is no earlier version of " + key + " to go back to");
    }

    private static Undo to(Ticket undone, Ticket ticket) {
        return new Undo(undone, ticket, ticket.revision(), ticket.overrides().template());
    }

    private static Refused refused(String words) {
        return new Refused(Refused.Why.USAGE, words);
    }

    /** Two versions of which one had to stop before the other began are not run beside each other on the way back. */
    UpRequest request(Optional<Order> asked, String by) {
        boolean stoppedFirst = undone.spec().update().order() == Order.STOP_FIRST;
        Order order = asked.orElse(stoppedFirst ? Order.STOP_FIRST : null);
        return new UpRequest(
                file.project(),
                List.of(file.service()),
                new Overrides(revision.imageId(), null, null, null, order, template),
                UpRequest.Force.CHANGED_ONLY,
                UpRequest.OnConflict.FAIL,
                Ticket.Kind.UNDO,
                by,
                Asker.AGENT);
    }

    Optional<String> warning() {
        return template == null
                ? Optional.empty()
                : Optional.of(
                        "the version before was not rolled out by this agent: its containers are made again as they"
                                + " were; x-rollout, hooks and configs with content are those of the file that replaced it");
    }
}
