package dev.rollout.agent.rollout;

import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Event;
import dev.rollout.agent.rollout.machine.Phase;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was meant and what came of it, on disk before anything is done. A method returns when what it wrote is durable,
 * but for {@link #intend} and {@link #note}: an outcome names the phase that comes next, so it is the intent already.
 */
public interface Journal {
    /** Opens a rollout. @throws ServiceBusy where another one is open for the service */
    void begin(Ticket ticket);

    /** The intent to do a phase's action. */
    void intend(String rollout, Phase phase, int batch);

    /** How a phase ended, and where that leads. */
    void outcome(String rollout, Event event, Phase next, String words);

    /** Something that watchers want to know; not needed for recovery. */
    void note(String rollout, String kind, String text, Map<String, String> details);

    /** Closes a rollout. */
    void end(String rollout, Phase phase, String lastLine);

    /** The events of a rollout, for folding. */
    List<Event> events(String rollout);

    /** Everything that was written about a rollout after an entry. */
    List<Entry> entries(String rollout, long after);

    /** Rollouts that were begun and never ended. */
    List<Ticket> open();

    Optional<Past> find(String rollout);

    /** Past and present rollouts, the newest first. */
    List<Past> history(Optional<ServiceKey> key, int most);

    /**
     * The number for a service's next rollout: even, and above every one that was given out.
     *
     * @param seen the highest one that is known elsewhere: this journal may be younger than what runs
     */
    long nextGeneration(ServiceKey key, long seen);

    Optional<Lock> lock(ServiceKey key);

    /** Holds a service against rollouts. @throws ServiceBusy where it is held */
    void lock(ServiceKey key, Lock lock);

    boolean unlock(ServiceKey key);

    /** One line of a rollout's story. */
    record Entry(long seq, Instant at, String kind, String text, Map<String, String> details) {}

    /** @param ended empty while it goes on */
    record Past(Ticket ticket, Phase phase, Optional<Instant> ended, String lastLine) {}

    record Lock(String by, String reason, Instant since) {}
}
