package dev.rollout.agent.rollout.machine;

import dev.rollout.agent.model.Order;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The table as a Mermaid state diagram: committed in ARCHITECTURE.md, and a test fails where the two differ. */
public final class Diagram {
    private Diagram() {}

    public static String of(Order order) {
        StringBuilder out = new StringBuilder("stateDiagram-v2\n    [*] --> PLANNED\n");
        Map<String, Set<String>> arrows = new LinkedHashMap<>();
        for (Transition row : TransitionTable.of(order).rows()) {
            String label = row.event().name().toLowerCase(Locale.ROOT).replace('_', ' ')
                    + (row.guard().isEmpty() ? "" : " [" + row.guard() + "]");
            arrows.computeIfAbsent(row.from() + " --> " + row.to(), arrow -> new LinkedHashSet<>())
                    .add(label);
        }
        arrows.forEach((arrow, labels) -> out.append("    ")
                .append(arrow)
                .append(" : ")
                .append(String.join(", ", labels))
                .append('\n'));
        for (Phase phase : Phase.values()) {
            if (phase.terminal()) {
                out.append("    ").append(phase).append(" --> [*]\n");
            }
        }
        return out.toString();
    }
}
