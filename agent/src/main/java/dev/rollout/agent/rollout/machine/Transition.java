package dev.rollout.agent.rollout.machine;

import java.util.function.Predicate;

/** One row of the table. The guard's words are part of the diagram. */
public record Transition(Phase from, Event event, String guard, Predicate<State> holds, Phase to) {
    @Override
    public String toString() {
        return from + " " + event + (guard.isEmpty() ? "" : " [" + guard + "]") + " -> " + to;
    }
}
