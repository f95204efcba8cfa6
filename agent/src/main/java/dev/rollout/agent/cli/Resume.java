package dev.rollout.agent.cli;

import java.util.List;

final class Resume extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("let the requests that pause holds go on").service();
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        String name = new ProjectOptions(line).load(List.of(service)).name();
        ensuredAgent().post("/v1/services/" + name + "/" + service + "/resume", body());
        System.out.println(name + "/" + service + " goes on");
        return Exit.DONE;
    }
}
