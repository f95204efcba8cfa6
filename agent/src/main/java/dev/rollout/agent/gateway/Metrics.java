package dev.rollout.agent.gateway;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the gateway counts, as Prometheus reads it. */
final class Metrics {
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final Map<String, String> COUNTERS = counters();

    private Metrics() {}

    private static Map<String, String> counters() {
        Map<String, String> counters = new LinkedHashMap<>();
        counters.put("requests", "Requests, or connections of plain TCP.");
        counters.put("errors", "Requests that got no answer of the service's own.");
        counters.put("retries", "Requests that were tried on another instance.");
        counters.put("held", "Requests that waited for an instance.");
        counters.put("drained", "Requests that a leaving instance has finished.");
        counters.put("cut", "Requests and connections that were ended at a deadline.");
        counters.put("bytesIn", "Bytes from clients: bodies, and all of plain TCP.");
        counters.put("bytesOut", "Bytes to clients: bodies, and all of plain TCP.");
        return counters;
    }

    /** @param routes as {@link Router#status} says */
    static String of(List<Map<String, Object>> routes) {
        StringBuilder text = new StringBuilder();
        COUNTERS.forEach((key, help) -> {
            String name =
                    "rollout_gateway_" + key.replaceAll("([A-Z])", "_$1").toLowerCase(java.util.Locale.ROOT) + "_total";
            head(text, name, "counter", help);
            routes.forEach(route -> line(text, name, labels(route), route.get(key)));
        });
        head(text, "rollout_gateway_connections", "gauge", "Open connections of clients.");
        routes.forEach(route -> line(text, "rollout_gateway_connections", labels(route), route.get("connections")));
        head(text, "rollout_gateway_in_flight", "gauge", "What an instance is busy with.");
        for (Map<String, Object> route : routes) {
            for (Object row : (List<?>) route.getOrDefault("targets", List.of())) {
                Map<?, ?> target = (Map<?, ?>) row;
                line(
                        text,
                        "rollout_gateway_in_flight",
                        labels(route) + label("instance", target.get("instance")) + label("state", target.get("state")),
                        target.get("inFlight"));
            }
        }
        head(text, "rollout_gateway_latency_seconds", "gauge", "Time of a request, since the gateway began.");
        for (Map<String, Object> route : routes) {
            for (Map.Entry<String, String> q :
                    Map.of("p50Micros", "0.5", "p99Micros", "0.99").entrySet()) {
                Object micros = route.get(q.getKey());
                line(
                        text,
                        "rollout_gateway_latency_seconds",
                        labels(route) + label("quantile", q.getValue()),
                        micros instanceof Number number ? number.doubleValue() / 1e6 : 0);
            }
        }
        return text.toString();
    }

    private static void head(StringBuilder text, String name, String type, String help) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void line(StringBuilder text, String name, String labels, @Nullable Object value) {
        text.append(name)
                .append('{')
                .append(labels, 0, labels.length() - 1)
                .append("} ")
                .append(value)
                .append('\n');
    }

    private static String labels(Map<String, Object> route) {
        return label("project", route.get("project"))
                + label("service", route.get("service"))
                + label("listen", route.get("listen"));
    }

    private static String label(String name, @Nullable Object value) {
        String escaped = String.valueOf(value).replace("\\", "\\\\").replace("\"", "\\\"");
        return name + "=\"" + escaped + "\",";
    }
}
