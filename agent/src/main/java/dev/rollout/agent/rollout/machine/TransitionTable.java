package dev.rollout.agent.rollout.machine;

import static dev.rollout.agent.rollout.machine.Event.*;
import static dev.rollout.agent.rollout.machine.Phase.*;

import dev.rollout.agent.model.FailureAction;
import dev.rollout.agent.model.Order;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The rollout as a pure function (state, event) → state, from one table for each order. What a phase does is said by the
 * phase itself, so a row needs no action of its own.
 */
public final class TransitionTable {
    private static final TransitionTable START_FIRST = startFirst();
    private static final TransitionTable STOP_FIRST = stopFirst();

    private final List<Transition> rows = new ArrayList<>();

    private TransitionTable() {}

    public static TransitionTable of(Order order) {
        return order == Order.START_FIRST ? START_FIRST : STOP_FIRST;
    }

    /** The rows, in the order in which they are tried. */
    public List<Transition> rows() {
        return List.copyOf(rows);
    }

    /** The row for an event in a state. @throws IllegalStateException where the table has none: our own error */
    public Transition row(State state, Event event) {
        for (Transition row : rows) {
            if (row.from() == state.phase()
                    && row.event() == event
                    && row.holds().test(state)) {
                return row;
            }
        }
        throw new IllegalStateException("no transition for " + event + " in " + state);
    }

    /** The state after an event. */
    public static State next(State state, Event event) {
        return state.to(of(state.order()).row(state, event).to());
    }

    private static TransitionTable startFirst() {
        TransitionTable table = new TransitionTable();
        table.on(PLANNED, BEGUN, STARTING);
        table.on(STARTING, CANDIDATE_STARTED, PROBING);
        table.on(PROBING, CANDIDATE_READY, PROMOTING);
        table.on(PROMOTING, PROMOTED, DRAINING);
        table.on(DRAINING, DRAINED, MONITORING);
        table.on(MONITORING, MONITOR_ELAPSED, RETIRING);
        table.endOfBatch(RETIRING, RETIRED);
        table.on(PACING, DELAY_ELAPSED, STARTING);
        table.failures(STARTING, PROBING, PROMOTING, DRAINING, MONITORING);
        table.aborts(PLANNED, STARTING, PROBING, PROMOTING, DRAINING, MONITORING, PACING);
        table.endings();
        return table;
    }

    private static TransitionTable stopFirst() {
        TransitionTable table = new TransitionTable();
        table.on(PLANNED, BEGUN, DRAINING);
        table.on(DRAINING, DRAINED, RETIRING);
        table.on(RETIRING, RETIRED, STARTING);
        table.on(STARTING, CANDIDATE_STARTED, PROBING);
        table.on(PROBING, CANDIDATE_READY, PROMOTING);
        table.on(PROMOTING, PROMOTED, MONITORING);
        table.endOfBatch(MONITORING, MONITOR_ELAPSED);
        table.on(PACING, DELAY_ELAPSED, DRAINING);
        table.failures(STARTING, PROBING, PROMOTING, MONITORING);
        table.aborts(PLANNED, DRAINING, STARTING, PROBING, PROMOTING, MONITORING, PACING);
        table.endings();
        return table;
    }

    private void on(Phase from, Event event, Phase to) {
        rows.add(new Transition(from, event, "", state -> true, to));
    }

    private void on(Phase from, Event event, String guard, Predicate<State> holds, Phase to) {
        rows.add(new Transition(from, event, guard, holds, to));
    }

    private void endOfBatch(Phase from, Event event) {
        on(from, event, "more batches", state -> !state.last(), PACING);
        on(from, event, "all replaced", state -> !state.someFailed(), SETTLING);
        on(from, event, "some failed", State::someFailed, PAUSED);
    }

    private void failures(Phase... phases) {
        for (Phase phase : phases) {
            on(phase, CANDIDATE_FAILED, "tolerated", State::tolerable, RESTORING_BATCH);
            on(phase, CANDIDATE_FAILED, "pause", s -> s.failureAction() == FailureAction.PAUSE, HALTING);
            on(phase, CANDIDATE_FAILED, "else", state -> true, ROLLING_BACK);
        }
    }

    private void aborts(Phase... phases) {
        for (Phase phase : phases) {
            on(phase, ABORT_REQUESTED, ROLLING_BACK);
        }
    }

    private void endings() {
        on(SETTLING, SETTLED, COMPLETED);
        on(RESTORING_BATCH, RESTORED, "more batches", state -> !state.last(), PACING);
        on(RESTORING_BATCH, RESTORED, "all failed", state -> state.failedBatches() == state.batches(), ROLLED_BACK);
        on(RESTORING_BATCH, RESTORED, "else", state -> true, PAUSED);
        on(HALTING, RESTORED, "first batch", State::first, ROLLED_BACK);
        on(HALTING, RESTORED, "else", state -> true, PAUSED);
        on(ROLLING_BACK, RESTORED, ROLLED_BACK);
        for (Phase restoring : List.of(RESTORING_BATCH, HALTING, ROLLING_BACK)) {
            on(restoring, RESTORE_FAILED, STUCK);
        }
    }
}
