package dev.rollout.agent.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.rollout.machine.Phase;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RolloutRunTest {
    @Test
    void thePreviousIsNotTouchedBeforeTheCandidateIsReady() throws InterruptedException {
        Scenario scenario = Scenario.of(1, Map.of(), s -> s.probe.candidatesReady = false);
        scenario.run();
        assertTrue(scenario.engine.calls.stream().noneMatch("start"::equals) || count(scenario, "start") == 1);
        assertEquals(1, count(scenario, "stop"), "only the candidate was stopped: " + scenario.engine.calls);
    }

    private static long count(Scenario scenario, String call) {
        return scenario.engine.calls.stream().filter(call::equals).count();
    }

    /** A signal that a program does not handle may end it. */
    @Test
    void aDoorbellIsRungWhereTheInstancesOwnVersionHasOne() throws InterruptedException {
        Map<String, Object> silent = Map.of("handover", Map.of("mode", "broadcast"));
        Map<String, Object> signalled = Map.of("handover", Map.of("mode", "broadcast", "signal", "SIGUSR1"));
        for (Map<String, Object> before : List.of(silent, signalled)) {
            Scenario scenario = new Scenario(1, Map.of(), signalled);
            scenario.before(before);
            assertEquals(Phase.COMPLETED, scenario.run().phase());
            assertEquals(1, count(scenario, "signal new"));
            assertEquals(before == signalled ? 1 : 0, count(scenario, "signal old"));
        }
    }

    @Test
    void anAbortKeepsThePrevious() throws InterruptedException {
        Scenario scenario = Scenario.of(1, Map.of(), s -> {});
        RolloutRun run = scenario.start();
        run.abort();
        assertEquals(Phase.ROLLED_BACK, run.run().phase());
        assertEquals(List.of("old"), scenario.runningVersions());
    }

    @Test
    void pauseKeepsWhatWasReplacedAndStops() throws InterruptedException {
        Scenario scenario = Scenario.of(3, Map.of("failure_action", "pause"), s -> s.probe.badFromSlot = 2);
        assertEquals(Phase.PAUSED, scenario.run().phase());
        assertEquals(
                List.of("old", "new"),
                scenario.runningVersions().stream()
                        .sorted(java.util.Comparator.reverseOrder())
                        .toList());
        assertEquals(3, scenario.running().size());
    }

    @Test
    void pauseInTheFirstBatchIsARollback() throws InterruptedException {
        Scenario scenario = Scenario.of(2, Map.of("failure_action", "pause"), s -> s.probe.candidatesReady = false);
        assertEquals(Phase.ROLLED_BACK, scenario.run().phase());
        assertEquals(List.of("old"), scenario.runningVersions());
    }

    @Test
    void continueGoesOnPastAFailedBatch() throws InterruptedException {
        Scenario scenario = Scenario.of(3, Map.of("failure_action", "continue"), s -> s.probe.badFromSlot = 3);
        assertEquals(Phase.PAUSED, scenario.run().phase());
        assertEquals(
                2,
                scenario.running().stream()
                        .filter(i -> i.configHash().equals("new"))
                        .count());
    }

    @Test
    void continueWithNothingReplacedIsARollback() throws InterruptedException {
        Scenario scenario = Scenario.of(2, Map.of("failure_action", "continue"), s -> s.probe.candidatesReady = false);
        assertEquals(Phase.ROLLED_BACK, scenario.run().phase());
    }

    @Test
    void failuresWithinTheRatioAreTolerated() throws InterruptedException {
        Scenario scenario = Scenario.of(
                4, Map.of("failure_action", "rollback", "max_failure_ratio", 0.25), s -> s.probe.badFromSlot = 4);
        assertEquals(Phase.PAUSED, scenario.run().phase());
        assertEquals(
                3,
                scenario.running().stream()
                        .filter(i -> i.configHash().equals("new"))
                        .count());
    }

    @Test
    void aPreviousThatSomebodyRemovedMakesARollbackStuckAndSaysSo() throws InterruptedException {
        Scenario scenario = Scenario.of(1, Map.of("order", "stop-first"), s -> s.probe.candidatesReady = false);
        RolloutRun run = scenario.start();
        scenario.engine.containers.values().removeIf(c -> c.configHash().equals("old"));
        assertEquals(Phase.STUCK, run.run().phase());
        assertTrue(String.valueOf(scenario.journal.lastLines.get("r1")).contains("removed by somebody else"));
    }

    @Test
    void aBroadcastRoleGoesToTheCandidateAndTheFenceRises() throws InterruptedException {
        Scenario scenario = new Scenario(1, Map.of(), Map.of("handover", Map.of("mode", "broadcast")));
        assertEquals(Phase.COMPLETED, scenario.run().phase());
        assertEquals("s-g2-1", scenario.roles.active);
        assertEquals(2, scenario.roles.fence);
    }

    @Test
    void aRoleComesBackUnderANewerGenerationOnARollback() throws InterruptedException {
        Scenario scenario = new Scenario(1, Map.of("monitor", "5s"), Map.of("handover", Map.of("mode", "exclusive")));
        scenario.probe.stayReady = false;
        assertEquals(Phase.ROLLED_BACK, scenario.run().phase());
        assertEquals("s-g1-1", scenario.roles.active);
        assertEquals(3, scenario.roles.generation);
        assertEquals(0, scenario.roles.fence, "the previous must not be fenced");
    }
}
