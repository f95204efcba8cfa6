package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

final class History extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("past rollouts, the newest first")
                .maybeService()
                .choice("format", Format.values(), "how to print it");
    }

    @Override
    int run(Line line) {
        String service = line.word();
        String path = service == null
                ? "/v1/rollouts"
                : "/v1/rollouts?project="
                        + new ProjectOptions(line).load(List.of(service)).name() + "&service=" + service;
        JsonNode answer = agent().get(path);
        if (Format.of(line) == Format.JSON) {
            System.out.println(answer.path("rollouts").toPrettyString());
            return Exit.DONE;
        }
        List<List<String>> rows = new ArrayList<>();
        for (JsonNode past : answer.path("rollouts")) {
            rows.add(List.of(
                    past.path("id").asText(),
                    past.path("project").asText() + "/" + past.path("service").asText(),
                    past.path("kind").asText(),
                    Long.toString(past.path("generation").asLong()),
                    past.path("phase").asText(),
                    past.path("begunAt").asText(),
                    past.path("by").asText(),
                    past.path("lastLine").asText()));
        }
        table(List.of("ID", "SERVICE", "KIND", "GENERATION", "PHASE", "BEGUN", "BY", "LAST LINE"), rows);
        return Exit.DONE;
    }
}
