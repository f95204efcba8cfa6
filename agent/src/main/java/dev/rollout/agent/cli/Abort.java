package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;

final class Abort extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("end a rollout in progress, keeping the previous").words("ID|SERVICE", 1, 1);
    }

    @Override
    int run(Line line) {
        AgentSocket agent = agent();
        String wanted = line.theWord();
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
