package dev.rollout.agent.cli;

import java.util.List;

final class Logs extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("what the newest instance of a service prints")
                .service()
                .flag(null, "follow", "go on as more comes")
                .value("n", "tail", "LINES", "how many lines to begin with (100)");
    }

    @Override
    int run(Line line) {
        String service = line.theWord();
        String name = new ProjectOptions(line).load(List.of(service)).name();
        agent().raw(
                        "/v1/services/" + name + "/" + service + "/logs?tail=" + line.text("tail", "100") + "&follow="
                                + line.has("follow"),
                        System.out);
        return Exit.DONE;
    }
}
