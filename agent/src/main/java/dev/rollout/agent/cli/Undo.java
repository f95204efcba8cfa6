package dev.rollout.agent.cli;

import java.util.List;

final class Undo extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("go back to the previous version")
                .service()
                .value(null, "to", "ID", "the completed rollout to go back to")
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
                        "/v1/services/" + name + "/" + service + "/undo", body("to", line.text("to", ""), "by", by())),
                Progress.style(line));
    }
}
