package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The verbs of the gateway itself. */
final class GatewayVerb {
    private static final long STOP_MILLIS = 10_000;

    private GatewayVerb() {}

    private static JsonNode ask(Verb verb, String method, String path) {
        try (UnixHttp.Answer answer = new UnixHttp(verb.folders().gatewaySocket()).send(method, path, null, "")) {
            return Json.MAPPER.readTree(answer.body().readAllBytes());
        } catch (IOException e) {
            throw new CliException(
                    Exit.UNREACHABLE,
                    "no gateway answers at " + verb.folders().gatewaySocket() + " (" + e.getMessage()
                            + "); the agent starts one with the first service that publishes ports");
        }
    }

    private static String shortId(String id) {
        return id.substring(0, Math.min(12, id.length()));
    }

    static final class State extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("ports, targets, in flight, requests, errors")
                    .choice("format", Format.values(), "how to print it");
        }

        @Override
        int run(Line line) {
            JsonNode gateway = ask(this, "GET", "/v1/routes");
            if (Format.of(line) == Format.JSON) {
                System.out.println(Json.text(gateway));
                return Exit.DONE;
            }
            List<List<String>> rows = new ArrayList<>();
            for (JsonNode route : gateway.path("routes")) {
                for (JsonNode target : route.path("targets")) {
                    rows.add(List.of(
                            route.path("listen").asText() + " "
                                    + route.path("mode").asText(),
                            route.path("project").asText() + "/"
                                    + route.path("service").asText(),
                            shortId(target.path("instance").asText()),
                            target.path("address").asText(),
                            target.path("state").asText(),
                            target.path("inFlight").asText(),
                            target.path("requests").asText(),
                            target.path("errors").asText()));
                }
            }
            table(List.of("PORT", "SERVICE", "CONTAINER", "TARGET", "STATE", "IN FLIGHT", "REQUESTS", "ERRORS"), rows);
            return Exit.DONE;
        }
    }

    static final class Stop extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("stop the gateway: its ports are closed until the agent starts it again");
        }

        @Override
        int run(Line line) throws InterruptedException {
            long pid = ask(this, "POST", "/v1/stop").path("pid").asLong();
            if (!ended(pid, STOP_MILLIS)) {
                throw new CliException(Exit.FAILED, "the gateway (pid " + pid + ") does not stop");
            }
            System.out.println("stopped: pid " + pid);
            return Exit.DONE;
        }
    }
}
