package dev.rollout.agent.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.rollout.machine.Phase;
import dev.rollout.agent.rollout.machine.State;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The agent dies before and after every journal write and every change of the Engine, in every scenario: afterwards
 * exactly one version runs, with its names and restart policies, and nothing is left over.
 */
class CrashAtEveryStepTest {
    private static final Map<String, Object> ROLLBACK = Map.of("failure_action", "rollback");

    private record Case(String name, Supplier<Scenario> scenario, Phase end) {}

    private static Case of(
            String name, int replicas, Map<String, Object> update, Consumer<Scenario> setting, Phase end) {
        return new Case(name, () -> Scenario.of(replicas, update, setting), end);
    }

    private static final Consumer<Scenario> NOT_READY = scenario -> scenario.probe.candidatesReady = false;
    private static final Consumer<Scenario> DIES = scenario -> scenario.engine.candidatesDie = true;
    private static final Consumer<Scenario> FINE = scenario -> {};
    private static final Consumer<Scenario> SECOND_BAD = scenario -> scenario.probe.badFromSlot = 2;
    private static final Consumer<Scenario> FAILS_LATER = scenario -> scenario.probe.stayReady = false;

    private static final List<Case> CASES = List.of(
            of("one instance", 1, ROLLBACK, FINE, Phase.COMPLETED),
            of("three instances, one at a time", 3, ROLLBACK, FINE, Phase.COMPLETED),
            of("three instances at once", 3, Map.of("parallelism", 0L), FINE, Phase.COMPLETED),
            of("stop first", 2, Map.of("order", "stop-first"), FINE, Phase.COMPLETED),
            of("monitored", 1, Map.of("monitor", "5s"), FINE, Phase.COMPLETED),
            of("not ready", 1, ROLLBACK, NOT_READY, Phase.ROLLED_BACK),
            of("dies at once", 1, ROLLBACK, DIES, Phase.ROLLED_BACK),
            of("fails while it is monitored", 1, Map.of("monitor", "5s"), FAILS_LATER, Phase.ROLLED_BACK),
            of("the second batch fails", 3, ROLLBACK, SECOND_BAD, Phase.ROLLED_BACK),
            of("stop first, not ready", 2, Map.of("order", "stop-first"), NOT_READY, Phase.ROLLED_BACK),
            of("stop first, the second fails", 2, Map.of("order", "stop-first"), SECOND_BAD, Phase.ROLLED_BACK));

    @TestFactory
    Stream<DynamicTest> endsInExactlyOneVersion() {
        return CASES.stream()
                .map(c -> DynamicTest.dynamicTest(c.name(), () -> {
                    int engineCalls = 0;
                    for (boolean more = true; more; engineCalls++) {
                        Scenario scenario = c.scenario().get();
                        scenario.crashAtEngineCall(engineCalls);
                        check(c, scenario, "engine call " + engineCalls);
                        more = scenario.engine.crash.happened();
                    }
                    int writes = 0;
                    for (boolean more = true; more; writes++) {
                        Scenario scenario = c.scenario().get();
                        scenario.crashAtJournalWrite(writes);
                        check(c, scenario, "journal write " + writes);
                        more = scenario.journal.crash.happened();
                    }
                    assertTrue(
                            engineCalls > 3 && writes > 6,
                            "crashed at " + engineCalls + " calls and " + writes + " writes");
                }));
    }

    private static void check(Case c, Scenario scenario, String where) throws InterruptedException {
        String message = c.name() + ", crash at " + where + ": ";
        int wanted = scenario.spec.replicas();
        State end = scenario.run();
        assertEquals(c.end(), end.phase(), message + scenario.journal.notes);
        String version = c.end() == Phase.COMPLETED ? "new" : "old";
        assertEquals(List.of(version), scenario.runningVersions(), message + scenario.engine.calls);
        assertEquals(wanted, scenario.running().size(), message + scenario.engine.calls);
        assertEquals(java.util.Optional.empty(), scenario.leftover(), message + scenario.engine.calls);
        scenario.running().forEach(instance -> {
            assertEquals("p-s-" + instance.slot(), instance.name(), message);
            String name = RoleKeeper.name(scenario.spec.key(), instance.generation(), instance.slot());
            assertFalse(scenario.roles.told.contains(name), message + name + " serves, and was told to drain");
            assertEquals(
                    "unless-stopped",
                    scenario.engine.restartPolicy(instance.id()).name(),
                    message);
        });
    }
}
