package dev.rollout.agent.rollout.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.model.FailureAction;
import dev.rollout.agent.model.Order;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TransitionTableTest {
    /** Walks every state that can be reached with up to three batches under every policy, and takes every row. */
    @ParameterizedTest
    @EnumSource(Order.class)
    void everyRowIsTakenAndEveryPathEnds(Order order) {
        Set<Transition> taken = new HashSet<>();
        Set<State> seen = new HashSet<>();
        for (FailureAction action : FailureAction.values()) {
            for (double ratio : new double[] {0, 0.4, 1}) {
                for (int batches = 1; batches <= 3; batches++) {
                    walk(State.planned(order, action, ratio, batches), taken, seen);
                }
            }
        }
        List<Transition> never = TransitionTable.of(order).rows().stream()
                .filter(row -> !taken.contains(row))
                .toList();
        assertEquals(List.of(), never, "rows that no path takes");
        assertTrue(seen.stream().anyMatch(state -> state.phase() == Phase.STUCK));
    }

    private static void walk(State start, Set<Transition> taken, Set<State> seen) {
        Deque<State> open = new ArrayDeque<>(List.of(start));
        while (!open.isEmpty()) {
            State state = open.pop();
            if (!seen.add(state)) {
                continue;
            }
            boolean leaves = false;
            for (Event event : Event.values()) {
                if (TransitionTable.of(state.order()).rows().stream()
                        .anyMatch(row -> row.from() == state.phase() && row.event() == event)) {
                    Transition row = TransitionTable.of(state.order()).row(state, event);
                    taken.add(row);
                    leaves = true;
                    State next = TransitionTable.next(state, event);
                    assertTrue(next.batch() < next.batches(), "a batch that is not there: " + next);
                    open.push(next);
                }
            }
            assertEquals(state.phase().terminal(), !leaves, "only a terminal phase has no way out: " + state);
        }
    }

    @ParameterizedTest
    @EnumSource(Order.class)
    void theCommittedDiagramIsTheTable(Order order) throws Exception {
        String text = Files.readString(Path.of("..", "ARCHITECTURE.md"));
        assertTrue(text.contains(Diagram.of(order)), "ARCHITECTURE.md needs this diagram:\n" + Diagram.of(order));
    }

    @Test
    void aRollbackIsNeverRolledBack() {
        for (Order order : Order.values()) {
            assertTrue(TransitionTable.of(order).rows().stream()
                    .filter(row -> row.from() == Phase.ROLLING_BACK)
                    .allMatch(row -> row.to().terminal()));
        }
    }
}
