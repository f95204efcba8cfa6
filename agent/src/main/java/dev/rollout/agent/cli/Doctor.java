package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;

final class Doctor extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("look whether everything that rollouts need is there");
    }

    @Override
    int run(Line line) {
        int exit = Exit.DONE;
        for (JsonNode check : ensuredAgent().get("/v1/doctor").path("checks")) {
            System.out.println(check.asText());
            exit = check.asText().startsWith("bad") ? Exit.FAILED : exit;
        }
        return exit;
    }
}
