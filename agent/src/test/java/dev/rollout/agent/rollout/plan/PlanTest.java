package dev.rollout.agent.rollout.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.ProjectSpec;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which instances are replaced, by how many at once, and how the plan reads. */
class PlanTest {
    private static final Revision NEW = new Revision("new", "image-new");

    private static ServiceSpec spec(int replicas, Map<String, Object> update, Map<String, Object> more) {
        Map<String, Object> service = new java.util.LinkedHashMap<>();
        service.put("image", "app:1");
        service.put("deploy", Map.of("replicas", replicas, "update_config", update));
        service.putAll(more);
        return ServiceSpec.of(
                new ProjectSpec(
                        "p",
                        "/p",
                        List.of(),
                        List.of(),
                        Map.of("services", Map.of("web", service)),
                        Map.of(),
                        Map.of("web", List.of("new", "variant")),
                        Map.of(),
                        List.of()),
                "web",
                Overrides.NONE);
    }

    private static Instance instance(int slot, String hash, Instance.State state, long createdAt) {
        return new Instance(
                "0123456789abcdef" + slot + createdAt,
                "p-web-" + slot,
                slot,
                2,
                "r",
                "a",
                hash,
                hash.equals("old") ? "image-old" : "image-new",
                "app",
                state,
                null,
                createdAt,
                List.of());
    }

    private static List<Instance> old(int count) {
        List<Instance> instances = new ArrayList<>();
        for (int slot = count; slot >= 1; slot--) {
            instances.add(instance(slot, "old", Instance.State.RUNNING, slot));
        }
        return instances;
    }

    private static Plan plan(ServiceSpec spec, List<Instance> observed, boolean force) {
        return Plan.of(spec, Optional.of(NEW), observed, force, instance -> RestartPolicy.NO);
    }

    private static List<List<Integer>> slots(Plan plan) {
        return plan.batches().stream().map(Batch::slots).toList();
    }

    @Test
    void instancesAreReplacedInTheOrderOfTheirNumbersByParallelism() {
        assertEquals(
                List.of(List.of(1), List.of(2), List.of(3)), slots(plan(spec(3, Map.of(), Map.of()), old(3), false)));
        assertEquals(
                List.of(List.of(1, 2), List.of(3)),
                slots(plan(spec(3, Map.of("parallelism", 2), Map.of()), old(3), false)));
        assertEquals(
                List.of(List.of(1, 2, 3)), slots(plan(spec(3, Map.of("parallelism", 0), Map.of()), old(3), false)));
    }

    @Test
    void whatIsAsWantedIsLeftAlone() {
        List<Instance> observed =
                List.of(instance(1, "new", Instance.State.RUNNING, 1), instance(2, "old", Instance.State.RUNNING, 2));
        Plan plan = plan(spec(2, Map.of(), Map.of()), observed, false);
        assertEquals(List.of(List.of(2)), slots(plan));
        assertEquals(1, plan.unchanged().size());
        assertEquals(
                2, plan(spec(2, Map.of(), Map.of()), observed, true).batches().size(), "but with force");
    }

    @Test
    void anotherVariantOfTheSameHashIsTheSame() {
        Plan plan =
                plan(spec(1, Map.of(), Map.of()), List.of(instance(1, "variant", Instance.State.RUNNING, 1)), false);
        assertTrue(plan.nothingToDo());
        assertEquals(List.of("nothing to do: 1 instance(s) run what the file wants"), plan.lines());
    }

    @Test
    void aStoppedInstanceIsReplacedThoughItsHashIsRight() {
        Plan plan = plan(spec(1, Map.of(), Map.of()), List.of(instance(1, "new", Instance.State.EXITED, 1)), false);
        assertEquals(List.of(List.of(1)), slots(plan));
        assertFalse(plan.batches().getFirst().previous().getFirst().running());
    }

    @Test
    void scalingDownRemovesTheHighestNumbersAndUpAddsThem() {
        Plan down = plan(spec(1, Map.of(), Map.of()), old(3), false);
        assertEquals(List.of(List.of(1), List.of(), List.of()), slots(down));
        assertEquals(
                List.of(2, 3),
                down.batches().subList(1, 3).stream()
                        .flatMap(batch -> batch.previous().stream())
                        .map(Previous::slot)
                        .toList());
        Plan up = plan(spec(3, Map.of(), Map.of()), old(1), false);
        assertEquals(List.of(List.of(1), List.of(2), List.of(3)), slots(up));
        assertTrue(up.batches().get(2).previous().isEmpty());
    }

    @Test
    void twoContainersInOneSlotBecomeOne() {
        List<Instance> twins =
                List.of(instance(1, "new", Instance.State.RUNNING, 2), instance(1, "new", Instance.State.RUNNING, 1));
        Plan plan = plan(spec(1, Map.of(), Map.of()), twins, false);
        assertEquals(List.of(List.<Integer>of()), slots(plan));
        assertEquals(1, plan.batches().getFirst().previous().size());
    }

    @Test
    void theLinesSayEveryStepInItsOrder() {
        ServiceSpec spec = spec(
                2,
                Map.of("monitor", "5s", "delay", "2s"),
                Map.of(
                        "expose",
                        List.of("80"),
                        "volumes",
                        List.of(Map.of("type", "volume", "source", "data", "target", "/data"))));
        assertEquals(
                List.of(
                        "order is start-first (Rollout's default), on failure rollback",
                        "ready when: tcp :80",
                        "note: the volume 'data' is shared by two instances for a while; order: stop-first avoids that",
                        "batch 1 of 2: start a candidate for p-web-1",
                        "batch 1 of 2: probe it, 2 times in a row within 1m0s",
                        "batch 1 of 2: promote it",
                        "batch 1 of 2: watch it for 5.0 s",
                        "batch 1 of 2: drain and stop p-web-1 (0123456789ab)",
                        "wait 2.0 s",
                        "batch 2 of 2: start a candidate for p-web-2",
                        "batch 2 of 2: probe it, 2 times in a row within 1m0s",
                        "batch 2 of 2: promote it",
                        "batch 2 of 2: watch it for 5.0 s",
                        "batch 2 of 2: drain and stop p-web-2 (0123456789ab)",
                        "keep the previous version for undo"),
                plan(spec, old(2), false).lines());
    }

    @Test
    void stopFirstSaysThatItStopsFirst() {
        List<String> lines = plan(spec(1, Map.of("order", "stop-first"), Map.of()), old(1), false)
                .lines();
        assertEquals("order is stop-first, on failure rollback", lines.getFirst());
        assertTrue(lines.get(2).startsWith("drain and stop"), lines.toString());
        assertTrue(lines.get(3).startsWith("start a candidate"), lines.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "postgres:16,                          /x, postgres",
        "localhost:5000/redis,                 /x, redis",
        "ghcr.io/a/pgvector:pg16@sha256:0123,  /x, pgvector",
        "app:1, /var/lib/postgresql/data, /var/lib/postgresql/data",
        "postgres-exporter:1,                  /x, ",
        "app:postgres,                /data/dbs, "
    })
    void aStoreOfDataIsStoppedFirst(String image, String target, @Nullable String because) {
        Map<String, Object> more =
                Map.of("image", image, "volumes", List.of(Map.of("type", "bind", "source", "/d", "target", target)));
        String first = plan(spec(1, Map.of(), more), old(1), false).lines().getFirst();
        assertEquals(
                because == null
                        ? "order is start-first (Rollout's default), on failure rollback"
                        : "order is stop-first (Rollout's default for a store of data: " + because
                                + "), on failure rollback",
                first);
        List<String> said = plan(spec(1, Map.of("order", "start-first"), more), old(1), false)
                .lines();
        assertEquals(
                "order is start-first, on failure rollback", said.getFirst().replace(" (Rollout's default)", ""));
        assertEquals(because != null, said.stream().anyMatch(line -> line.contains("may destroy it")), said.toString());
    }

    @Test
    void anImageThatIsNotHereIsFetchedFirstAndEverythingIsNew() {
        Plan pull = Plan.of(spec(1, Map.of(), Map.of()), Optional.empty(), old(1), false, instance -> RestartPolicy.NO);
        assertEquals("get the image app:1 (pull)", pull.lines().getFirst());
        assertEquals(List.of(List.of(1)), slots(pull));
        Plan build = Plan.of(
                spec(1, Map.of(), Map.of("build", Map.of("context", "."))),
                Optional.empty(),
                List.of(),
                false,
                instance -> RestartPolicy.NO);
        assertEquals("get the image app:1 (build)", build.lines().getFirst());
    }
}
