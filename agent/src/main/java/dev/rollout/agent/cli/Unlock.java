package dev.rollout.agent.cli;

import java.util.List;

final class Unlock extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("free a service that lock holds")
                .service()
                .value(null, "reason", "TEXT", "taken for symmetry with lock");
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        String name = new ProjectOptions(line).load(List.of(service)).name();
        ensuredAgent().delete("/v1/services/" + name + "/" + service + "/lock");
        System.out.println(name + "/" + service + " is free" + (line.has("reason") ? ": " + line.text("reason") : ""));
        return Exit.DONE;
    }
}
