package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Phase;
import java.util.List;
import java.util.Optional;

/**
 * The version that a service goes back to.
 *
 * @param file the rollout whose file it is made from
 * @param image its image, by content address
 * @param compose whether it was Compose's: its container was kept, and so its image, but not the file that made it
 */
record Undo(Ticket file, String image, boolean compose) {
    private static final int LOOKED_THROUGH = 50;

    /**
     * The version of a given rollout, else the one before that which serves.
     *
     * @throws Refused where there is none
     */
    static Undo of(ServiceKey key, Optional<String> to, Ports ports) {
        List<Ticket> completed = ports.journal().history(Optional.of(key), LOOKED_THROUGH).stream()
                .filter(past -> past.phase() == Phase.COMPLETED)
                .map(Journal.Past::ticket)
                .toList();
        if (to.isPresent()) {
            return completed.stream()
                    .filter(ticket -> ticket.id().equals(to.get()))
                    .findFirst()
                    .map(Undo::rolledOut)
                    .orElseThrow(() -> refused("no completed rollout '" + to.get() + "' of " + key));
        }
        if (completed.isEmpty()) {
            throw refused(key + " was never rolled out, so there is no earlier version to go back to");
        }
        Ticket serving = completed.getFirst();
        return completed.stream()
                .filter(ticket -> !ticket.revision().equals(serving.revision()))
                .findFirst()
                .map(Undo::rolledOut)
                .orElseGet(() -> parked(serving, ports.engine()));
    }

    private static Undo rolledOut(Ticket ticket) {
        return new Undo(ticket, ticket.revision().imageId(), false);
    }

    private static Undo parked(Ticket serving, ContainerEngine engine) {
        String image = engine.parkedImage(serving.key())
                .orElseThrow(() -> refused("there is no earlier version of " + serving.key() + " to go back to"));
        if (image.equals(serving.revision().imageId())) {
            throw refused("the version of " + serving.key() + " before was Compose's and had the same image; what its"
                    + " file said is not known: bring the file back, then 'rollout up " + serving.service() + "'");
        }
        return new Undo(serving, image, true);
    }

    private static Refused refused(String words) {
        return new Refused(Refused.Why.USAGE, words);
    }

    UpRequest request(String by) {
        return new UpRequest(
                file.project(),
                List.of(file.service()),
                new Overrides(image, null, null, null, file.overrides().order()),
                UpRequest.Force.CHANGED_ONLY,
                UpRequest.OnConflict.FAIL,
                Ticket.Kind.UNDO,
                by);
    }

    Optional<String> warning() {
        return compose
                ? Optional.of(
                        "the version before was Compose's: back to its image, with the settings of the file of now")
                : Optional.empty();
    }
}
