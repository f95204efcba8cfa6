package dev.rollout.agent.model;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * When an instance may take over: a check, and how often it must pass.
 *
 * @param interval from one check's end to the next one's start
 * @param timeout of one check
 * @param successes in a row
 * @param minReady how long it must stay ready after that
 * @param deadline for everything, from the start of the container
 */
public record Readiness(
        Check check, Duration interval, Duration timeout, int successes, Duration minReady, Duration deadline) {

    /** How to ask. */
    public sealed interface Check {
        /** A GET; over the container's address, or a unix socket in the container. */
        record Http(
                String path,
                int port,
                @Nullable String unix,
                boolean tls,
                @Nullable String host,
                Map<String, String> headers,
                String status)
                implements Check {}

        /** A TCP connection. */
        record Tcp(int port) implements Check {}

        /** A command in the container that exits with 0. */
        record Exec(List<String> command) implements Check {}

        /** The instance says so itself, by rollout-lib. */
        record RoleReady() implements Check {}

        /** The image's healthcheck, else its first exposed port, else running for five seconds: known once it is there. */
        record FromImage() implements Check {}
    }

    private static final Duration DEADLINE = Duration.ofSeconds(60);

    static Readiness of(Tree readiness, Tree service) {
        return new Readiness(
                check(readiness, service),
                readiness.duration("interval", Duration.ofMillis(100)),
                readiness.duration("timeout", Duration.ofSeconds(2)),
                readiness.integer("successes", 2),
                readiness.duration("min_ready", Duration.ZERO),
                readiness.duration("deadline", DEADLINE));
    }

    private static Check check(Tree readiness, Tree service) {
        Tree http = readiness.at("http");
        if (http.isPresent()) {
            return http(http);
        }
        if (readiness.at("tcp").isPresent()) {
            return new Check.Tcp(readiness.at("tcp").integer("port", 0));
        }
        if (readiness.at("exec").isPresent()) {
            return new Check.Exec(readiness.texts("exec"));
        }
        if (readiness.flag("role")) {
            return new Check.RoleReady();
        }
        Tree health = service.at("healthcheck");
        List<String> test = health.texts("test");
        if (!health.flag("disable") && !test.isEmpty() && !test.getFirst().equals("NONE")) {
            return new Check.Exec(healthCommand(test));
        }
        return firstPort(service);
    }

    static Check.Http http(Tree http) {
        Map<String, String> headers = new TreeMap<>();
        http.map("headers").forEach((name, value) -> headers.put(name, String.valueOf(value)));
        return new Check.Http(
                http.text("path", "/"),
                http.integer("port", 0),
                http.text("unix"),
                http.text("scheme", "http").equals("https"),
                http.text("host"),
                headers,
                http.text("status", "200-399"));
    }

    private static Check firstPort(Tree service) {
        if (service.list("ports").stream()
                .anyMatch(port -> port.text("protocol", "tcp").equals("tcp"))) {
            return new Check.Tcp(service.list("ports").stream()
                    .filter(port -> port.text("protocol", "tcp").equals("tcp"))
                    .findFirst()
                    .orElseThrow()
                    .integer("target", 0));
        }
        List<String> expose = service.texts("expose");
        if (!expose.isEmpty()) {
            return new Check.Tcp(Integer.parseInt(expose.getFirst().split("[-/]", 2)[0]));
        }
        return new Check.FromImage();
    }

    /** A healthcheck's test as a command to run. */
    public static List<String> healthCommand(List<String> test) {
        return switch (test.getFirst()) {
            case "CMD-SHELL" -> List.of("/bin/sh", "-c", String.join(" ", test.subList(1, test.size())));
            case "CMD" -> test.subList(1, test.size());
            default -> List.of("/bin/sh", "-c", String.join(" ", test));
        };
    }

    /** The same pace with another way of asking. */
    public Readiness with(Check other) {
        return new Readiness(other, interval, timeout, successes, minReady, deadline);
    }

    /** In a few words, for the plan and the transcript. */
    public String words() {
        return switch (check) {
            case Check.Http http ->
                "http GET " + (http.unix() == null ? ":" + http.port() : "unix:" + http.unix()) + http.path();
            case Check.Tcp tcp -> "tcp :" + tcp.port();
            case Check.Exec exec -> "exec " + String.join(" ", exec.command());
            case Check.RoleReady role -> "ready() from the instance";
            case Check.FromImage image -> "the image's healthcheck, else its first port, else running for 5 s";
        };
    }
}
