package dev.rollout.agent.compose;

import static dev.rollout.agent.compose.Shape.INTEGER;
import static dev.rollout.agent.compose.Shape.TEXT;
import static dev.rollout.agent.compose.Shape.TEXT_OR_NUMBER;
import static dev.rollout.agent.compose.Shape.field;
import static dev.rollout.agent.compose.Shape.mapOf;
import static dev.rollout.agent.compose.Shape.object;
import static dev.rollout.agent.compose.Shape.oneOf;
import static dev.rollout.agent.compose.Shape.pointer;

import dev.rollout.check.StatusRange;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The keys of {@code x-rollout}, checked as strictly as Compose's own. Durations come out in Go's printing. */
final class RolloutGrammar {
    private static final Set<String> CHECKS = Set.of("http", "tcp", "exec", "role");
    private static final Set<String> DRAINS = Set.of("exec", "signal", "file", "http");

    private RolloutGrammar() {}

    /** A duration with a unit, or bare seconds. */
    static final Shape SPAN = (node, path) -> {
        if (node instanceof Node.Scalar scalar && scalar.value() instanceof Long seconds && seconds >= 0) {
            return GoDurations.print(Duration.ofSeconds(seconds));
        }
        Object read = Shape.DURATION.read(node, path);
        if (read instanceof String text && text.startsWith("-")) {
            throw new ComposeException(node.mark(), path + " is negative");
        }
        return read;
    };

    private static final Shape PORT = (node, path) -> {
        Object port = INTEGER.read(node, path);
        if (port instanceof Long number && (number < 1 || number > 65535)) {
            throw new ComposeException(node.mark(), path + ": " + number + " is no port (1-65535)");
        }
        return port;
    };

    private static final Shape STATUS = (node, path) -> {
        Object text = TEXT_OR_NUMBER.read(node, path);
        try {
            return text == null
                    ? null
                    : StatusRange.parse((String) text).from() + "-"
                            + StatusRange.parse((String) text).to();
        } catch (IllegalArgumentException e) {
            throw new ComposeException(node.mark(), path + ": " + e.getMessage());
        }
    };

    private static Shape atLeast(long least, Shape number) {
        return (node, path) -> {
            Object read = number.read(node, path);
            if (read instanceof Long value && value < least) {
                throw new ComposeException(node.mark(), path + " must be at least " + least);
            }
            return read;
        };
    }

    private static final Shape HTTP = (node, path) -> {
        Object read = object(
                        field("path", TEXT),
                        field("port", PORT),
                        field("scheme", oneOf("http", "https")),
                        field("host", TEXT),
                        field("headers", mapOf(TEXT_OR_NUMBER)),
                        field("status", STATUS),
                        field("unix", TEXT))
                .read(node, path);
        if (read instanceof Map<?, ?> http) {
            if (!(http.get("path") instanceof String p) || !p.startsWith("/")) {
                throw new ComposeException(node.mark(), path + " needs a path that starts with '/'");
            }
            if (http.containsKey("port") == http.containsKey("unix")) {
                throw new ComposeException(node.mark(), path + " needs either a port or a unix socket's path");
            }
        }
        return read;
    };

    private static final Shape ROLE = (node, path) -> {
        Object read = Shape.BOOLEAN.read(node, path);
        if (!Boolean.TRUE.equals(read)) {
            throw new ComposeException(node.mark(), path + " can only be true; leave it out otherwise");
        }
        return read;
    };

    private static final Shape READINESS = (node, path) -> {
        Object read = object(
                        field("http", HTTP),
                        field("tcp", object(field("port", PORT))),
                        field("exec", Shape.oneOrMore(TEXT)),
                        field("role", ROLE),
                        field("interval", SPAN),
                        field("timeout", SPAN),
                        field("successes", atLeast(1, INTEGER)),
                        pointer("min_ready", SPAN),
                        field("deadline", SPAN))
                .read(node, path);
        if (read instanceof Map<?, ?> readiness
                && readiness.keySet().stream().filter(CHECKS::contains).count() > 1) {
            throw new ComposeException(node.mark(), path + " has more than one of http, tcp, exec and role; keep one");
        }
        return read;
    };

    private static final Shape ABSOLUTE = (node, path) -> {
        Object read = TEXT.read(node, path);
        if (read instanceof String text && (!text.startsWith("/") || text.endsWith("/"))) {
            throw new ComposeException(
                    node.mark(), path + " is the whole path of a file, from / on; it cannot be '" + text + "'");
        }
        return read;
    };

    private static final Shape DRAIN = (node, path) -> {
        Object read = object(
                        field("timeout", SPAN),
                        field("exec", Shape.oneOrMore(TEXT)),
                        field("signal", TEXT),
                        field("file", ABSOLUTE),
                        field("http", HTTP),
                        field("wait", SPAN))
                .read(node, path);
        if (read instanceof Map<?, ?> drain
                && drain.keySet().stream().filter(DRAINS::contains).count() > 1) {
            throw new ComposeException(
                    node.mark(), path + " has more than one of exec, signal, file and http; keep one");
        }
        return read;
    };

    private static final Shape TLS = Shape.listOf((node, path) -> {
        Object read = object(field("cert", ABSOLUTE), field("key", ABSOLUTE)).read(node, path);
        if (read instanceof Map<?, ?> pair && pair.size() < 2) {
            throw new ComposeException(node.mark(), path + " needs both, cert and key: files of this host in PEM");
        }
        return read;
    });

    private static final Shape LED = (node, path) -> {
        Object read = object(
                        field("mode", oneOf("http", "tcp")),
                        field("hold", SPAN),
                        field("timeout", SPAN),
                        field("streams", SPAN),
                        field("max_body", Shape.BYTES),
                        field("access_log", Shape.BOOLEAN),
                        field("proxy_protocol", oneOf("v1", "v2")),
                        field("tls", TLS))
                .read(node, path);
        if (read instanceof Map<?, ?> led && led.get("proxy_protocol") != null && !"tcp".equals(led.get("mode"))) {
            throw new ComposeException(
                    node.mark(),
                    path
                            + ".proxy_protocol needs 'mode: tcp' beside it; in HTTP the client's address is in X-Forwarded-For");
        }
        return read;
    };

    static final Shape.ObjectShape ROLLOUT = object(
            field("readiness", READINESS),
            field(
                    "handover",
                    object(
                            field("mode", oneOf("broadcast", "exclusive", "competing")),
                            field("signal", TEXT),
                            field("http", HTTP),
                            field("window", SPAN))),
            field("drain", DRAIN),
            field("ports", mapOf(LED)),
            field("memory_check", oneOf("refuse", "warn", "off")),
            pointer("keep_previous", (node, path) -> {
                Object keep = atLeast(0, INTEGER).read(node, path);
                if (keep instanceof Long number && number > 1) {
                    throw new ComposeException(
                            node.mark(), path + " is 0 or 1: one previous version is kept per service");
                }
                return keep;
            }));

    /** The service's own keys over the project's defaults. */
    static Map<String, @Nullable Object> read(@Nullable Node defaults, @Nullable Node own, String service) {
        Map<String, @Nullable Object> result = new java.util.LinkedHashMap<>();
        if (defaults != null && ROLLOUT.read(defaults, "x-rollout") instanceof Map<?, ?> map) {
            map.forEach((key, value) -> result.put((String) key, value));
        }
        if (own != null && ROLLOUT.read(own, "services." + service + ".x-rollout") instanceof Map<?, ?> map) {
            map.forEach((key, value) -> result.merge((String) key, value, RolloutGrammar::over));
        }
        return result;
    }

    private static @Nullable Object over(@Nullable Object below, @Nullable Object above) {
        if (!(below instanceof Map<?, ?> base) || !(above instanceof Map<?, ?> top)) {
            return above;
        }
        Map<Object, @Nullable Object> merged = new java.util.LinkedHashMap<>(base);
        if (top.keySet().stream().anyMatch(CHECKS::contains)) {
            List.copyOf(CHECKS).forEach(merged::remove); // one way of asking replaces the other
        }
        merged.putAll(top);
        return merged;
    }
}
