package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Event;
import dev.rollout.agent.rollout.machine.Phase;
import dev.rollout.agent.rollout.machine.State;
import dev.rollout.agent.rollout.machine.TransitionTable;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * One rollout, from its journal to its end: journal the intent, act, journal the outcome, until a terminal phase. It is
 * started anew after a crash, folds its journal, and does the pending action again; every action is idempotent.
 */
final class RolloutRun {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final int RESTORE_ATTEMPTS = 20;

    private final Ticket ticket;
    private final Ports ports;
    private final CompletableFuture<Void> abort = new CompletableFuture<>();
    private final Steps steps;

    RolloutRun(Ticket ticket, Ports ports) {
        this.ticket = ticket;
        this.ports = ports;
        this.steps = new Steps(ticket, ports, abort);
    }

    Ticket ticket() {
        return ticket;
    }

    /** Asks the rollout to end, keeping the previous. Too late once the previous is being stopped. */
    void abort() {
        abort.complete(null);
    }

    /** Runs to the end. */
    State run() throws InterruptedException {
        State state = fold();
        ClientCounts before = ports.traffic().counts(ticket.key());
        Cause cause = new Cause("", Event.BEGUN);
        while (!state.phase().terminal()) {
            ports.journal().intend(ticket.id(), state.phase(), state.batch());
            Cause came = act(state);
            State next = TransitionTable.next(state, came.event());
            ports.journal().outcome(ticket.id(), came.event(), next.phase(), came.words());
            if (came.event() == Event.CANDIDATE_FAILED
                    || came.event() == Event.ABORT_REQUESTED
                    || came.event() == Event.RESTORE_FAILED) {
                cause = came;
            }
            state = next;
        }
        ports.journal()
                .end(
                        ticket.id(),
                        state.phase(),
                        lastLine(state, cause)
                                + ports.traffic()
                                        .counts(ticket.key())
                                        .since(before)
                                        .words(before));
        return state;
    }

    private record Cause(String words, Event event) {}

    /** The state that the journal's events lead to. */
    private State fold() {
        ServiceSpec spec = ticket.spec();
        State state = State.planned(
                spec.update().order(),
                spec.update().failureAction(),
                spec.update().maxFailureRatio(),
                ticket.batches().size());
        for (Event event : ports.journal().events(ticket.id())) {
            state = TransitionTable.next(state, event);
        }
        return state;
    }

    private Cause act(State state) throws InterruptedException {
        Duration pause = FIRST_PAUSE;
        for (int attempt = 1; ; attempt++) {
            RuntimeException trouble;
            try {
                return new Cause("", steps.perform(state));
            } catch (Aborted e) {
                return new Cause("aborted on request", Event.ABORT_REQUESTED);
            } catch (StepFailed e) {
                ports.journal().note(ticket.id(), "failure", String.valueOf(e.getMessage()), e.details());
                return new Cause(String.valueOf(e.getMessage()), failureIn(state.phase()));
            } catch (EngineRefused e) {
                boolean again = switch (state.phase()) {
                    // not something that a candidate can fail at, and nothing to go back to: until it works
                    case RETIRING, SETTLING, PACING -> true;
                    // a container that is just dying makes the Engine stumble: give it time
                    case ROLLING_BACK, HALTING, RESTORING_BATCH -> attempt < RESTORE_ATTEMPTS;
                    default -> false;
                };
                if (!again) {
                    String words = (e.status() == 0 ? "" : "the Engine refused: ") + e.getMessage();
                    ports.journal().note(ticket.id(), "failure", words, Map.of());
                    return new Cause(words, failureIn(state.phase()));
                }
                trouble = e;
            } catch (EngineUnavailable e) {
                trouble = e; // nothing is known about the last call: look, and do the whole action again
            }
            if (attempt == 1) {
                ports.journal()
                        .note(
                                ticket.id(),
                                "engine",
                                "the Engine does not do it; trying again: " + trouble.getMessage(),
                                Map.of());
            }
            ports.waiter().await(new CompletableFuture<>(), pause);
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
    }

    private static Event failureIn(Phase phase) {
        return switch (phase) {
            case RESTORING_BATCH, HALTING, ROLLING_BACK -> Event.RESTORE_FAILED;
            default -> Event.CANDIDATE_FAILED;
        };
    }

    /** What serves now: the line that the exit code goes with. */
    private String lastLine(State state, Cause cause) {
        String took =
                Durations.words(Duration.between(ticket.at(), ports.clock().instant()));
        String name = ticket.key().toString();
        boolean hadPrevious =
                ticket.batches().stream().anyMatch(batch -> !batch.previous().isEmpty());
        String old = hadPrevious ? "the previous version serves" : "nothing ran before, and nothing runs now";
        String because = cause.words().isEmpty() ? "" : ": " + cause.words();
        return switch (state.phase()) {
            case COMPLETED ->
                name
                        + (ticket.spec().replicas() == 0
                                ? ": all are stopped, since replicas is 0"
                                : ": generation " + ticket.generation() + " serves")
                        + " (" + took + ")"
                        + (ticket.kind() == Ticket.Kind.RELEASE ? ", its ports are Docker's again" : "");
            case ROLLED_BACK ->
                name + ": " + (cause.event() == Event.ABORT_REQUESTED ? "aborted" : "failed and rolled back") + " ("
                        + took + "), " + old + because;
            case PAUSED ->
                name + ": paused with two versions serving, " + state.failedBatches() + " of " + state.batches()
                        + " batches kept the previous; run 'rollout up' or 'rollout undo' for " + ticket.service()
                        + because;
            default ->
                name + ": stuck (" + took + "), the previous could not be restored" + because
                        + "; look at 'docker ps -a' and 'rollout history', then run 'rollout up " + ticket.service()
                        + "'";
        };
    }
}
