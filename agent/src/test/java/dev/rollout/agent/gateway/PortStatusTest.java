package dev.rollout.agent.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.rollout.agent.json.Json;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What two gateways say of one port, and how Prometheus reads it. */
class PortStatusTest {
    private static PortStatus status(long requests, int connections, String... instances) {
        Latency latency = new Latency();
        for (int i = 0; i < requests; i++) {
            latency.record(TimeUnit.MICROSECONDS.toNanos(i % 2 == 0 ? 100 : 3000));
        }
        return new PortStatus(
                "p",
                "web",
                ":80",
                "http",
                false,
                requests,
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                connections,
                latency.counts(),
                latency.sumMicros(),
                0,
                true,
                List.of(instances).stream()
                        .map(id -> new PortStatus.TargetStatus(id, "10.0.0.1:80", "ready", 1, requests, 1))
                        .toList());
    }

    @Test
    void whatTwoGatewaysCountIsOnePort() {
        PortStatus both = status(10, 3, "a", "b").plus(status(4, 1, "b", "c").followed());
        assertEquals(14, both.requests());
        assertEquals(4, both.connections());
        assertEquals(List.of("a 10 1", "b 14 2", "c 4 1"), words(both));
        assertEquals(
                14, both.micros().values().stream().mapToLong(Long::longValue).sum());
        assertEquals(7 * 3100, both.sumMicros());
        assertTrue(both.stale(), "as the one says that listens");

        PortStatus after = status(10, 3, "a").plus(status(4, 1, "a", "b").past());
        assertEquals(14, after.requests());
        assertEquals(3, after.connections(), "those of one that is gone are gone");
        assertEquals(List.of("a 14 1"), words(after), "and so is an instance that nobody leads to");
    }

    private static List<String> words(PortStatus port) {
        return port.targets().stream()
                .map(one -> one.instance() + " " + one.requests() + " " + one.inFlight())
                .toList();
    }

    @Test
    void anotherVersionsWordsAreRead() throws Exception {
        ObjectMapper mapper = Json.MAPPER;
        PortStatus said = status(4, 1, "a");
        PortStatus heard = mapper.readValue(Json.text(said), PortStatus.class);
        assertEquals(said, heard);
        JsonNode tree = mapper.readTree(Json.text(said));
        assertEquals(104, tree.path("p50Micros").asLong());
        PortStatus other =
                mapper.readValue(Json.text(said).replace("\"sumMicros\":", "\"fromLater\":"), PortStatus.class);
        assertEquals(8, said.plus(other).requests());
    }

    @Test
    void theHistogramIsWhatPrometheusExpects() {
        List<String> lines = Metrics.of(List.of(status(10, 3, "a"))).lines().toList();
        String labels = "{project=\"p\",service=\"web\",listen=\":80\"";
        String bucket = "rollout_gateway_request_seconds_bucket" + labels + ",le=";
        assertTrue(lines.contains(bucket + "\"0.000064\"} 0"), lines.toString());
        assertTrue(lines.contains(bucket + "\"0.000128\"} 5"), lines.toString());
        assertTrue(lines.contains(bucket + "\"0.002048\"} 5"), lines.toString());
        assertTrue(lines.contains(bucket + "\"0.004096\"} 10"), lines.toString());
        assertTrue(lines.contains(bucket + "\"+Inf\"} 10"), lines.toString());
        assertTrue(lines.contains("rollout_gateway_request_seconds_sum" + labels + "} 0.015500"), lines.toString());
        assertTrue(lines.contains("rollout_gateway_request_seconds_count" + labels + "} 10"), lines.toString());
        assertEquals(
                lines.size(),
                lines.stream()
                        .map(line -> line.replaceAll(" [^ ]*$", ""))
                        .distinct()
                        .count());
    }
}
