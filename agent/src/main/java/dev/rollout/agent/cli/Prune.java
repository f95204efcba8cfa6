package dev.rollout.agent.cli;

import java.util.List;

final class Prune extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("remove the previous versions that are kept for undo").maybeService();
    }

    @Override
    int run(Line line) {
        String service = line.word();
        String query = service == null
                ? ""
                : "?project=" + new ProjectOptions(line).load(List.of(service)).name() + "&service=" + service;
        ensuredAgent()
                .post("/v1/prune" + query, body())
                .path("removed")
                .forEach(removed -> System.out.println(removed.asText()));
        return Exit.DONE;
    }
}
