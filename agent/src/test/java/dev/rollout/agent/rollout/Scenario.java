package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.ProjectSpec;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Phase;
import dev.rollout.agent.rollout.machine.State;
import dev.rollout.agent.rollout.plan.Plan;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** A small world: one service that runs its old version, and a rollout to the new one. */
final class Scenario {
    final FakeEngine engine = new FakeEngine();
    final FakeJournal journal = new FakeJournal();
    final FakeRoles roles = new FakeRoles();
    final FakeProbe probe = new FakeProbe();
    final Ports ports = new Ports(
            engine, roles, probe, new NoTraffic(), journal, new FakeWaiter(), InstantSource.fixed(Instant.EPOCH));
    final ServiceSpec spec;
    private final Ticket ticket;

    Scenario(int replicas, Map<String, Object> update, Map<String, Object> rollout) {
        Map<String, Object> service = new LinkedHashMap<>();
        service.put("image", "image");
        service.put("restart", "unless-stopped");
        service.put("deploy", Map.of("replicas", (long) replicas, "update_config", update));
        ProjectSpec project = project(service, rollout);
        spec = ServiceSpec.of(project, "s", Overrides.NONE);
        for (int slot = 1; slot <= replicas; slot++) {
            engine.running("p-s-" + slot, slot, 1, "old");
        }
        roles.active = RoleKeeper.name(spec.key(), 1, 1);
        Plan plan = Plan.of(
                spec, engine.revision(spec), engine.instances(spec.key()), false, i -> engine.restartPolicy(i.id()));
        ticket = new Ticket(
                "r1",
                Ticket.Kind.UP,
                project,
                "s",
                Overrides.NONE,
                engine.revision(spec).orElseThrow(),
                2,
                plan.batches(),
                null,
                "agent",
                "test",
                Instant.EPOCH);
    }

    private static ProjectSpec project(Map<String, Object> service, Map<String, Object> rollout) {
        return new ProjectSpec(
                "p",
                "/p",
                List.of("/p/compose.yaml"),
                List.of(),
                Map.of("name", "p", "services", Map.of("s", service)),
                Map.of("s", Map.copyOf(rollout)),
                Map.of("s", List.of("new")),
                Map.of(),
                List.of());
    }

    /** The old version was rolled out with another {@code x-rollout}. */
    void before(Map<String, Object> rollout) {
        Ticket before = new Ticket(
                FakeEngine.BEFORE,
                Ticket.Kind.UP,
                project(Map.of("image", "image"), rollout),
                "s",
                Overrides.NONE,
                ticket.revision(),
                1,
                List.of(),
                null,
                "agent",
                "test",
                Instant.EPOCH);
        journal.tickets.put(before.id(), before);
        journal.ended.put(before.id(), Phase.COMPLETED);
    }

    static Scenario of(int replicas, Map<String, Object> update, Consumer<Scenario> setting) {
        Scenario scenario = new Scenario(replicas, update, Map.of("handover", Map.of("mode", "competing")));
        setting.accept(scenario);
        return scenario;
    }

    /** Runs to the end, surviving as many crashes as come. */
    State run() throws InterruptedException {
        begin();
        while (true) {
            try {
                return new RolloutRun(
                                journal.open().isEmpty()
                                        ? ticket
                                        : journal.open().getFirst(),
                                ports)
                        .run();
            } catch (Crash e) {
                begin();
            }
        }
    }

    RolloutRun start() {
        begin();
        return new RolloutRun(ticket, ports);
    }

    private void begin() {
        while (!journal.tickets.containsKey(ticket.id())) {
            try {
                journal.begin(ticket);
            } catch (Crash e) {
                // not begun: nothing was started, so the user asks again
            }
        }
    }

    void crashAtEngineCall(int call) {
        engine.crash = new Crash.At(call);
    }

    void crashAtJournalWrite(int write) {
        journal.crash = new Crash.At(write);
    }

    List<Instance> running() {
        return engine.containers.values().stream().filter(Instance::running).toList();
    }

    List<String> runningVersions() {
        return running().stream().map(Instance::configHash).distinct().toList();
    }

    Optional<Instance> leftover() {
        return engine.containers.values().stream()
                .filter(c -> c.name().endsWith(Steps.NEXT) || c.name().endsWith(Steps.PREVIOUS) || !c.running())
                .findFirst();
    }
}
