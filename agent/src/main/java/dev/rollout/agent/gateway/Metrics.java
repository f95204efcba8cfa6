package dev.rollout.agent.gateway;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToLongFunction;

/** What the gateway counts, as Prometheus reads it. */
final class Metrics {
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final String SECONDS = "rollout_gateway_request_seconds";
    private static final long FIRST_MICROS = 1 << 6;
    private static final long LAST_MICROS = 1 << 24; // 17 s

    private record Counter(String help, ToLongFunction<PortStatus> value) {}

    private static final Map<String, Counter> COUNTERS = counters();

    private Metrics() {}

    private static Map<String, Counter> counters() {
        Map<String, Counter> all = new LinkedHashMap<>();
        all.put("requests", new Counter("Requests, or connections of plain TCP.", PortStatus::requests));
        all.put("errors", new Counter("Requests that got no answer of the service's own.", PortStatus::errors));
        all.put("retries", new Counter("Requests that were tried on another instance.", PortStatus::retries));
        all.put("held", new Counter("Requests that waited for an instance.", PortStatus::held));
        all.put("drained", new Counter("Requests that a leaving instance has finished.", PortStatus::drained));
        all.put("cut", new Counter("Requests and connections that were ended at a deadline.", PortStatus::cut));
        all.put("bytes_in", new Counter("Bytes from clients: bodies, and all of plain TCP.", PortStatus::bytesIn));
        all.put("bytes_out", new Counter("Bytes to clients: bodies, and all of plain TCP.", PortStatus::bytesOut));
        return all;
    }

    static String of(List<PortStatus> ports) {
        StringBuilder text = new StringBuilder();
        COUNTERS.forEach((key, counter) -> {
            String name = "rollout_gateway_" + key + "_total";
            head(text, name, "counter", counter.help());
            ports.forEach(port ->
                    line(text, name, labels(port), Long.toString(counter.value().applyAsLong(port))));
        });
        head(text, "rollout_gateway_connections", "gauge", "Open connections of clients.");
        ports.forEach(
                port -> line(text, "rollout_gateway_connections", labels(port), Integer.toString(port.connections())));
        head(text, "rollout_gateway_in_flight", "gauge", "What an instance is busy with.");
        for (PortStatus port : ports) {
            for (PortStatus.TargetStatus target : port.targets()) {
                line(
                        text,
                        "rollout_gateway_in_flight",
                        labels(port) + label("instance", target.instance()) + label("state", target.state()),
                        Integer.toString(target.inFlight()));
            }
        }
        head(text, SECONDS, "histogram", "How long requests took, to the last byte of the answer.");
        ports.forEach(port -> histogram(text, port));
        return text.toString();
    }

    /** By powers of two of a microsecond: those are bounds of {@link Latency}'s classes, too, so these are exact. */
    private static void histogram(StringBuilder text, PortStatus port) {
        for (long bound = FIRST_MICROS; bound <= LAST_MICROS; bound *= 2) {
            line(
                    text,
                    SECONDS + "_bucket",
                    labels(port) + label("le", seconds(bound)),
                    Long.toString(sum(port.micros().headMap(bound + 1))));
        }
        String all = Long.toString(sum(port.micros()));
        line(text, SECONDS + "_bucket", labels(port) + label("le", "+Inf"), all);
        line(text, SECONDS + "_sum", labels(port), seconds(port.sumMicros()));
        line(text, SECONDS + "_count", labels(port), all);
    }

    private static long sum(Map<Long, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String seconds(long micros) {
        return String.format(Locale.ROOT, "%d.%06d", micros / 1_000_000, micros % 1_000_000);
    }

    private static void head(StringBuilder text, String name, String type, String help) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void line(StringBuilder text, String name, String labels, String value) {
        text.append(name)
                .append('{')
                .append(labels, 0, labels.length() - 1)
                .append("} ")
                .append(value)
                .append('\n');
    }

    private static String labels(PortStatus port) {
        return label("project", port.project()) + label("service", port.service()) + label("listen", port.listen());
    }

    private static String label(String name, String value) {
        String escaped = value.replace("\\", "\\\\").replace("\"", "\\\"");
        return name + "=\"" + escaped + "\",";
    }
}
