package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.ProjectSpec;
import dev.rollout.agent.model.Ticket;
import java.util.List;

/**
 * A request to roll services.
 *
 * @param services empty: all of the project
 * @param by who asks in words, for the history and for whoever is refused meanwhile
 */
public record UpRequest(
        ProjectSpec project,
        List<String> services,
        Overrides overrides,
        Force force,
        OnConflict onConflict,
        Ticket.Kind kind,
        String by,
        Asker asker) {

    /** The services that are asked for by name, or as all. */
    List<String> wanted() {
        return services.isEmpty() ? project.services() : services;
    }

    /** Whether instances that are as wanted are replaced too. */
    public enum Force {
        CHANGED_ONLY,
        ALL
    }

    /** What to do where a rollout of the service is in progress. */
    public enum OnConflict {
        FAIL,
        WAIT,
        SUPERSEDE
    }
}
