package dev.rollout.agent.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ClientCountsTest {
    @Test
    void theQuantilesBeforeAndDuringAreOfWhatCameBeforeAndDuring() {
        ClientCounts before = new ClientCounts(1000, 0, 0, 0, new TreeMap<>(Map.of(1000L, 990L, 2000L, 10L)));
        ClientCounts after =
                new ClientCounts(1200, 1, 2, 3, new TreeMap<>(Map.of(1000L, 1090L, 2000L, 10L, 8000L, 100L)));
        assertEquals(
                "; clients sent 200 requests meanwhile: 1 failed, 2 retried, 3 held, p99 8.0 ms (before: 1.0 ms)",
                after.since(before).words(before));
    }

    @Test
    void withoutClientsNothingIsSaid() {
        assertEquals("", ClientCounts.NONE.since(ClientCounts.NONE).words(ClientCounts.NONE));
        assertEquals("", ClientCounts.NONE.words(new ClientCounts(5, 0, 0, 0, new TreeMap<>())));
    }

    @Test
    void plainConnectionsHaveNoTimes() {
        ClientCounts tcp = new ClientCounts(5, 0, 0, 0, new TreeMap<>());
        assertEquals("; clients sent 5 requests meanwhile: 0 failed, 0 retried, 0 held", tcp.words(ClientCounts.NONE));
    }
}
