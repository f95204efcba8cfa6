package dev.rollout.agent.cli;

import java.util.List;

final class Lock extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("hold a service against rollouts")
                .service()
                .required("reason", "TEXT", "what others are told");
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        String reason = line.text("reason", "");
        String name = new ProjectOptions(line).load(List.of(service)).name();
        ensuredAgent().post("/v1/services/" + name + "/" + service + "/lock", body("by", by(), "reason", reason));
        System.out.println(name + "/" + service + " is locked: " + reason);
        return Exit.DONE;
    }
}
