package dev.rollout.agent.cli;

import dev.rollout.agent.model.Order;
import java.util.List;

final class Undo extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("go back to the previous version")
                .service()
                .value(null, "to", "ID", "the completed rollout to go back to")
                .choice("order", Order.values(), "else stop-first where the rollout that is undone had it")
                .choice("progress", Progress.Style.values(), "how to show what happens");
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        String name = new ProjectOptions(line).load(List.of(service)).name();
        AgentSocket agent = ensuredAgent();
        return follow(
                agent,
                agent.post(
                        "/v1/services/" + name + "/" + service + "/undo",
                        body(
                                "to",
                                line.text("to", ""),
                                "order",
                                line.choice("order", Order.class)
                                        .map(Order::name)
                                        .orElse(""),
                                "by",
                                by())),
                Progress.style(line));
    }
}
