package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "abort", description = "end a rollout in progress, keeping the previous")
final class Abort extends Verb {
    @Parameters(paramLabel = "ID|SERVICE")
    private String wanted = "";

    @Override
    public Integer call() {
        AgentSocket agent = agent();
        String id = wanted;
        for (JsonNode past : agent.get("/v1/rollouts").path("rollouts")) {
            if (!past.has("endedAt") && past.path("service").asText().equals(wanted)) {
                id = past.path("id").asText();
            }
        }
        agent.post("/v1/rollouts/" + id + "/abort", body());
        System.out.println("asked " + id + " to end; 'rollout attach " + id + "' follows it");
        return Exit.DONE;
    }
}
