package dev.rollout.agent.model;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a rollout needs, fixed when it is planned and kept in the journal: it can be resumed from it alone.
 *
 * @param kind why it was asked for
 * @param revision what the candidates are made from
 * @param hadRole the generation that was active before; the candidates' is {@code generation}
 * @param replaced what the previous was made from, where no rollout that the journal knows made it
 * @param agent the agent that owns it
 * @param by who asked
 */
public record Ticket(
        String id,
        Kind kind,
        ProjectSpec project,
        String service,
        Overrides overrides,
        Revision revision,
        long generation,
        List<Batch> batches,
        @Nullable Template replaced,
        String agent,
        String by,
        Instant at) {

    /** Why a rollout was asked for. */
    public enum Kind {
        UP,
        UNDO,
        RELEASE
    }

    public ServiceSpec spec() {
        return ServiceSpec.of(project, service, overrides);
    }

    public ServiceKey key() {
        return new ServiceKey(project.name(), service);
    }
}
