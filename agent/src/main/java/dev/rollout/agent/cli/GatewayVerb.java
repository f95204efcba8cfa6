package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.wire.Heir;
import dev.rollout.agent.wire.OtherProcess;
import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The verbs of the gateway itself. */
final class GatewayVerb {
    private static final long STOP_MILLIS = 10_000;

    private GatewayVerb() {}

    private static JsonNode ask(Verb verb, String method, String path) {
        try (UnixHttp.Answer answer = new UnixHttp(verb.folders().gatewaySocket()).send(method, path, null, "")) {
            return Json.MAPPER.readTree(answer.body().readAllBytes());
        } catch (IOException e) {
            throw notThere(verb, e);
        }
    }

    private static CliException notThere(Verb verb, IOException e) {
        return new CliException(
                Exit.UNREACHABLE,
                "no gateway answers at " + verb.folders().gatewaySocket() + " (" + e.getMessage()
                        + "); the agent starts one with the first service that publishes ports");
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
                String listen =
                        route.path("listen").asText() + " " + route.path("mode").asText();
                String service = route.path("project").asText() + "/"
                        + route.path("service").asText();
                List<String> counts = Stream.of("drained", "cut", "bytesIn", "bytesOut")
                        .map(count -> route.path(count).asText())
                        .toList();
                for (JsonNode target : route.path("targets")) {
                    String address = target.path("address").asText();
                    rows.add(row(
                            List.of(
                                    listen,
                                    service,
                                    shortId(target.path("instance").asText()),
                                    address.isEmpty() ? "-" : address,
                                    target.path("state").asText(),
                                    target.path("inFlight").asText(),
                                    target.path("requests").asText(),
                                    target.path("errors").asText()),
                            counts));
                }
                if (route.path("targets").isEmpty()) { // requests wait
                    String state = route.path("paused").asBoolean() ? "paused" : "waiting";
                    rows.add(row(List.of(listen, service, "-", "-", state, "-", "-", "-"), counts));
                }
            }
            table(
                    List.of(
                            "PORT",
                            "SERVICE",
                            "CONTAINER",
                            "TARGET",
                            "STATE",
                            "IN FLIGHT",
                            "REQUESTS",
                            "ERRORS",
                            "DRAINED",
                            "CUT",
                            "IN",
                            "OUT"),
                    rows);
            return Exit.DONE;
        }

        private static List<String> row(List<String> target, List<String> port) {
            return Stream.concat(target.stream(), port.stream()).toList();
        }
    }

    /** Connections that exist stay with the gateway that has them, which ends when they have, or after half a minute. */
    static final class Upgrade extends Verb {
        /** Whether one runs, and this user may replace it. */
        static boolean wanted(Verb verb) {
            if (!Folders.byRoot()) {
                return false;
            }
            try {
                return ask(verb, "GET", "/v1/routes").has("pid");
            } catch (CliException e) {
                return false; // none runs
            }
        }

        @Override
        Syntax syntax() {
            return Syntax.of("replace the gateway that runs by this program; no connection is refused or reset");
        }

        @Override
        int run(Line line) throws InterruptedException {
            JsonNode before = ask(this, "GET", "/v1/routes");
            if (!Folders.byRoot()) {
                throw new CliException(
                        Exit.NOT_ALLOWED,
                        "handing ports over without a gap needs root; 'rollout gateway stop' closes them until the agent"
                                + " starts the gateway again, within a second");
            }
            for (JsonNode route : before.path("routes")) {
                if (route.path("redirectedFrom").asInt() != 0) {
                    throw new CliException(
                            Exit.FAILED,
                            route.path("listen").asText()
                                    + " is just being taken over; nothing was changed, try again in a moment");
                }
            }
            if (!tookOver()) {
                throw new CliException(
                        Exit.FAILED,
                        "the new gateway did not take over, the old one goes on: see "
                                + folders().gatewayLog());
            }
            JsonNode now = ask(this, "GET", "/v1/routes");
            System.out.println("upgraded: " + before.path("version").asText() + " (pid "
                    + before.path("pid").asText() + ") to "
                    + now.path("version").asText() + ", pid "
                    + now.path("pid").asText());
            return Exit.DONE;
        }

        private boolean tookOver() throws InterruptedException {
            try {
                return Heir.takesOver(
                        folders().gatewayLog(),
                        () -> ask(this, "GET", "/v1/routes").path("pid").asLong());
            } catch (IOException e) {
                throw new CliException(Exit.FAILED, "a gateway cannot be started: " + e.getMessage());
            }
        }
    }

    static final class Counters extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("what the gateway counts, as Prometheus reads it: for a node exporter's text file");
        }

        @Override
        int run(Line line) {
            try (UnixHttp.Answer answer = new UnixHttp(folders().gatewaySocket()).send("GET", "/metrics", null, "")) {
                answer.body().transferTo(System.out);
                System.out.flush();
                return Exit.DONE;
            } catch (IOException e) {
                throw notThere(this, e);
            }
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
            if (!OtherProcess.endsWithin(pid, STOP_MILLIS)) {
                throw new CliException(Exit.FAILED, "the gateway (pid " + pid + ") does not stop");
            }
            System.out.println("stopped: pid " + pid);
            return Exit.DONE;
        }
    }
}
