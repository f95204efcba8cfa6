package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The real agent, killed with -9 when a phase begins: the next one resumes, and exactly one version is left. */
class KillIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    private static final List<String> FORWARD =
            List.of("STARTING", "PROBING", "PROMOTING", "DRAINING", "MONITORING", "RETIRING", "SETTLING");
    private static final List<String> BACK = List.of("PROBING", "ROLLING_BACK");

    @TestFactory
    Stream<DynamicTest> forwardWithTwoInstances() {
        return FORWARD.stream()
                .map(phase -> DynamicTest.dynamicTest(
                        phase, () -> killAt(phase, Rig.web("2", "deploy: {replicas: 2}\n"), 0, "2")));
    }

    @TestFactory
    Stream<DynamicTest> back() {
        String bad = Rig.web("2", "deploy: {replicas: 2}\n")
                .replace("sh\", \"-c\", \"", "sh\", \"-c\", \"sleep 1; exit 1; ");
        return BACK.stream().map(phase -> DynamicTest.dynamicTest(phase, () -> killAt(phase, bad, 1, "1")));
    }

    @TestFactory
    Stream<DynamicTest> undo() {
        return Stream.of("PROBING", "PROMOTING", "RETIRING")
                .map(phase -> DynamicTest.dynamicTest(phase, () -> {
                    try (Rig rig = AGENT.rig()) {
                        rig.services(Rig.web("1", ""));
                        assertEquals(0, rig.rollout("up").exit());
                        rig.services(Rig.web("2", ""));
                        assertEquals(0, rig.rollout("up").exit());
                        check(
                                rig,
                                phase,
                                rig.agentPid(),
                                rig.start("undo", "web", "--progress", "json"),
                                0,
                                List.of("1"));
                    }
                }));
    }

    @Test
    void anUpgradeInMidRolloutIsNotSeen() throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", "deploy: {replicas: 2}\n"));
            assertEquals(0, rig.rollout("up").exit());
            rig.services(Rig.web("2", "deploy: {replicas: 2}\n"));
            Process up = rig.start("up", "--progress", "json");
            String story = Rig.at("PROBING", up, () -> {
                Rig.Ran upgrade = rig.rollout("agent", "upgrade");
                assertEquals(0, upgrade.exit(), upgrade.all());
            });
            assertEquals(0, up.waitFor(), story);
            assertEquals(
                    List.of("2", "2"),
                    rig.containers("web").stream().map(Rig.Container::version).toList(),
                    story);
        }
    }

    private static void killAt(String phase, String next, int exit, String version) throws Exception {
        try (Rig rig = AGENT.rig()) {
            rig.services(Rig.web("1", "deploy: {replicas: 2}\n"));
            assertEquals(0, rig.rollout("up").exit());
            rig.services(next);
            check(rig, phase, rig.agentPid(), rig.start("up", "--progress", "json"), exit, List.of(version, version));
        }
    }

    private static void check(Rig rig, String phase, long agent, Process up, int exit, List<String> versions)
            throws Exception {
        String story =
                Rig.at(phase, up, () -> ProcessHandle.of(agent).orElseThrow().destroyForcibly());
        assertEquals(exit, up.waitFor(), story);
        List<Rig.Container> left = rig.containers("web");
        assertEquals(versions, left.stream().map(Rig.Container::version).toList(), story + "\n" + left);
        assertTrue(left.stream().allMatch(Rig.Container::running), left.toString());
        assertTrue(left.stream().allMatch(c -> c.name().matches(rig.project + "-web-[12]")), left.toString());
        assertTrue(left.stream().allMatch(c -> c.restart().equals("unless-stopped")), left.toString());
    }
}
