package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Command;

@Command(name = "doctor", description = "look whether everything that rollouts need is there")
final class Doctor extends Verb {
    @Override
    public Integer call() {
        int exit = Exit.DONE;
        for (JsonNode check : ensuredAgent().get("/v1/doctor").path("checks")) {
            System.out.println(check.asText());
            exit = check.asText().startsWith("bad") ? Exit.FAILED : exit;
        }
        return exit;
    }
}
