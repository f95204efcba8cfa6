package dev.rollout.agent.cli;

import java.util.List;

final class Pause extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("hold the requests of a service at the gateway").service();
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        String name = new ProjectOptions(line).load(List.of(service)).name();
        ensuredAgent().post("/v1/services/" + name + "/" + service + "/pause", body());
        System.out.println(
                name + "/" + service + " waits: requests are held, each for the hold time of its port at most");
        return Exit.DONE;
    }
}
