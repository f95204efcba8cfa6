package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.model.Tree;
import dev.rollout.agent.rollout.machine.Event;
import dev.rollout.agent.rollout.machine.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The action of each phase. Each looks at the Engine first and does only what is missing, so it can be done again. */
final class Steps {
    private static final Duration TICK = Duration.ofMillis(20);
    private static final Duration LET_GO = Duration.ofSeconds(30);
    private static final int MONITOR_FAILURES = 3;
    static final String NEXT = ".next";
    static final String PREVIOUS = ".previous";

    private final Ticket ticket;
    private final ServiceSpec spec;
    private final ServiceKey key;
    private final Ports ports;
    private final ContainerEngine engine;
    private final CompletableFuture<Void> abort;
    private final Handing handing;

    Steps(Ticket ticket, Ports ports, CompletableFuture<Void> abort) {
        this.ticket = ticket;
        this.spec = ticket.spec();
        this.key = ticket.key();
        this.ports = ports;
        this.engine = ports.engine();
        this.abort = abort;
        this.handing = new Handing(ticket, ports);
    }

    Event perform(State state) throws InterruptedException {
        Batch batch =
                ticket.batches().get(Math.min(state.batch(), ticket.batches().size() - 1));
        return switch (state.phase()) {
            case PLANNED -> begin();
            case STARTING -> start(batch);
            case PROBING -> probe(batch);
            case PROMOTING -> promote(batch);
            case DRAINING -> drain(batch, state);
            case MONITORING -> monitor(batch);
            case RETIRING -> retire(batch);
            case PACING -> pace();
            case SETTLING -> settle();
            case RESTORING_BATCH, HALTING -> restore(List.of(batch));
            case ROLLING_BACK ->
                restore(ticket.batches().subList(0, state.batch() + 1).reversed());
            case COMPLETED, ROLLED_BACK, PAUSED, STUCK -> throw new IllegalStateException(state + " has no action");
        };
    }

    private Event begin() {
        checkAbort();
        return Event.BEGUN;
    }

    private Event start(Batch batch) {
        checkAbort();
        for (int slot : batch.slots()) {
            Instance candidate = candidate(slot).orElseGet(() -> create(slot));
            if (candidate.state() == Instance.State.EXITED) {
                throw dead(candidate, 0, List.of());
            }
            if (!candidate.running()) {
                engine.start(candidate.id());
                note("started", spec.containerName(slot) + " " + candidate.shortId() + " started");
                hooks(candidate.id(), "post_start");
            }
        }
        return Event.CANDIDATE_STARTED;
    }

    private Instance create(int slot) {
        Instance created = engine.create(
                spec,
                ticket.revision(),
                new ContainerEngine.Birth(
                        spec.containerName(slot) + NEXT,
                        slot,
                        ticket.id(),
                        ticket.generation(),
                        ticket.agent(),
                        handing.injection(slot)));
        note("created", spec.containerName(slot) + " " + created.shortId() + " created");
        return created;
    }

    private Event probe(Batch batch) throws InterruptedException {
        for (Instance candidate : candidates(batch)) {
            CompletableFuture<ContainerEngine.Exit> exit = engine.exit(candidate.id());
            CompletableFuture<Object> stop = CompletableFuture.anyOf(exit, abort);
            switch (ports.probe().until(candidate, spec, stop)) {
                case ReadinessProbe.Verdict.Ready ready ->
                    note("ready", spec.containerName(candidate.slot()) + " is ready: " + ready.words());
                case ReadinessProbe.Verdict.NotReady not -> throw notReady(candidate, not);
                case ReadinessProbe.Verdict.Interrupted cut -> {
                    checkAbort();
                    throw dead(candidate, cut.asked(), cut.answers());
                }
            }
        }
        candidates(batch).forEach(this::stillUp);
        return Event.CANDIDATE_READY;
    }

    private Event promote(Batch batch) throws InterruptedException {
        checkAbort();
        List<Instance> candidates = candidates(batch);
        candidates.forEach(this::stillUp);
        handing.over(candidates, batch.previous());
        RestartPolicy own = restartPolicy(spec);
        for (Previous previous : batch.previous()) {
            engine.find(previous.id()).ifPresent(found -> {
                if (!previous.restart().equals(RestartPolicy.NO)) {
                    engine.setRestartPolicy(found.id(), RestartPolicy.NO);
                }
                if (batch.slots().contains(previous.slot()) && !found.name().endsWith(PREVIOUS)) {
                    engine.rename(found.id(), spec.containerName(previous.slot()) + "." + found.shortId() + PREVIOUS);
                }
            });
        }
        for (Instance candidate : candidates) {
            String name = spec.containerName(candidate.slot());
            if (!candidate.name().equals(name)) {
                engine.rename(candidate.id(), name);
            }
            if (!own.equals(RestartPolicy.NO)) {
                engine.setRestartPolicy(candidate.id(), own);
            }
        }
        note("promoted", "generation " + ticket.generation() + " is promoted");
        return Event.PROMOTED;
    }

    private Event drain(Batch batch, State state) throws InterruptedException {
        boolean candidateThere = state.order() == Order.START_FIRST;
        long start = ports.waiter().nanos();
        for (Previous previous : batch.previous()) {
            if (engine.find(previous.id()).filter(Instance::running).isEmpty()) {
                continue;
            }
            if (!spec.drain().exec().isEmpty()) {
                engine.exec(
                        previous.id(),
                        ContainerEngine.Command.of(spec.drain().exec()),
                        spec.drain().timeout());
            }
            String signal = spec.drain().signal();
            if (signal != null) {
                engine.signal(previous.id(), signal);
            }
            handing.tellToDrain(previous);
        }
        if (!batch.previous().isEmpty()) {
            sleep(spec.drain().pause());
        }
        for (Previous previous : batch.previous()) {
            CompletableFuture<ContainerEngine.Exit> gone = engine.exit(previous.id());
            while (candidateThere && !gone.isDone() && !handing.drained(previous)) {
                if (ports.waiter().nanos() - start > spec.drain().timeout().toNanos()) {
                    note(
                            "drain",
                            previous.name() + " had not finished after "
                                    + Durations.words(spec.drain().timeout()));
                    break;
                }
                checkAbort();
                if (candidateThere) {
                    candidates(batch).forEach(this::stillUp);
                }
                ports.waiter().await(gone, TICK);
            }
        }
        return Event.DRAINED;
    }

    private Event monitor(Batch batch) throws InterruptedException {
        Duration monitor = spec.update().monitor();
        List<Instance> candidates = candidates(batch);
        if (monitor.isZero() || candidates.isEmpty()) {
            return Event.MONITOR_ELAPSED;
        }
        long start = ports.waiter().nanos();
        CompletableFuture<?>[] exits = candidates.stream()
                .map(candidate -> engine.exit(candidate.id()))
                .toArray(CompletableFuture[]::new);
        CompletableFuture<Object> any = CompletableFuture.anyOf(CompletableFuture.anyOf(exits), abort);
        int failures = 0;
        while (true) {
            long left = monitor.toNanos() - (ports.waiter().nanos() - start);
            if (left <= 0) {
                return Event.MONITOR_ELAPSED;
            }
            Duration pause = Duration.ofNanos(Math.min(
                    left, Math.max(100_000_000, spec.readiness().interval().toNanos())));
            if (ports.waiter().await(any, pause)) {
                checkAbort();
                candidates.forEach(this::stillUp);
            }
            boolean allReady =
                    candidates.stream().allMatch(candidate -> ports.probe().again(candidate, spec));
            failures = allReady ? 0 : failures + 1;
            if (failures >= MONITOR_FAILURES) {
                candidates.forEach(this::stillUp);
                throw new StepFailed(
                        "the candidate was ready, then failed its check " + failures
                                + " times in a row while it was watched ("
                                + spec.readiness().words() + ")",
                        shown(candidates.getFirst(), List.of()));
            }
        }
    }

    private Event retire(Batch batch) throws InterruptedException {
        if (spec.update().order() == Order.START_FIRST) {
            handing.fence();
        }
        List<Thread> stopping = new ArrayList<>();
        List<RuntimeException> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (Previous previous : batch.previous()) {
            stopping.add(Thread.ofVirtual().name("retire").start(() -> {
                try {
                    stop(previous.id());
                } catch (RuntimeException e) {
                    failures.add(e);
                }
            }));
        }
        for (Thread thread : stopping) {
            thread.join();
        }
        if (!failures.isEmpty()) {
            // stopping is not something that the candidate can fail at: ask again until the Engine does it
            throw new EngineUnavailable(
                    "the previous could not be stopped: " + failures.getFirst().getMessage(), failures.getFirst());
        }
        if (!batch.previous().isEmpty()) {
            note("retired", "the previous is stopped");
        }
        return Event.RETIRED;
    }

    private void stop(String id) {
        if (engine.find(id)
                .filter(found -> found.state() != Instance.State.EXITED)
                .isPresent()) {
            hooks(id, "pre_stop");
            engine.stop(id, spec.stopGracePeriod());
        }
    }

    private Event pace() throws InterruptedException {
        checkAbort();
        sleep(spec.update().delay());
        return Event.DELAY_ELAPSED;
    }

    private Event settle() {
        List<Previous> all = ticket.batches().stream()
                .flatMap(batch -> batch.previous().stream())
                .toList();
        Optional<Previous> newest =
                all.stream().filter(p -> engine.find(p.id()).isPresent()).findFirst();
        if (newest.isPresent() && spec.keepPrevious()) {
            try {
                engine.park(newest.get().id(), spec);
            } catch (EngineRefused e) {
                note("settled", "the previous version could not be kept for undo: " + e.getMessage());
            }
        }
        for (Previous previous : all) {
            engine.remove(previous.id());
            handing.forget(previous);
        }
        return Event.SETTLED;
    }

    /** Puts the previous back and removes the candidates: the previous runs before its candidate is touched. */
    private Event restore(List<Batch> batches) throws InterruptedException {
        for (Batch batch : batches) {
            List<Instance> candidates = candidatesOrGone(batch);
            if (spec.update().order() == Order.STOP_FIRST) {
                candidates.forEach(
                        candidate -> engine.stop(candidate.id(), spec.stopGracePeriod())); // it holds the ports
            }
            for (Previous previous : batch.previous()) {
                revive(previous);
            }
            handing.back(batch.previous());
            for (Instance candidate : candidates) {
                if (!candidate.running()) {
                    engine.remove(candidate.id()); // dead: it only holds a name
                    continue;
                }
                engine.setRestartPolicy(candidate.id(), RestartPolicy.NO);
                if (candidate.name().equals(spec.containerName(candidate.slot()))) {
                    engine.rename(candidate.id(), candidate.name() + NEXT);
                }
            }
            for (Previous previous : batch.previous()) {
                engine.find(previous.id()).ifPresent(found -> {
                    if (!found.name().equals(previous.name())) {
                        engine.rename(found.id(), previous.name());
                    }
                    engine.setRestartPolicy(found.id(), previous.restart());
                });
            }
            for (Instance candidate : candidates) {
                if (candidate.running()) {
                    engine.stop(candidate.id(), spec.stopGracePeriod());
                }
                engine.remove(candidate.id());
                handing.forget(candidate);
            }
        }
        note("restored", "the candidates are removed");
        return Event.RESTORED;
    }

    private void revive(Previous previous) throws InterruptedException {
        Instance found = engine.find(previous.id())
                .orElseThrow(() -> new StepFailed(
                        previous.name() + " (" + previous.id().substring(0, 12) + ") was removed by somebody else",
                        Map.of()));
        if (!previous.running() || found.running()) {
            return;
        }
        engine.start(previous.id());
        note("revived", previous.name() + " is started again");
        CompletableFuture<ContainerEngine.Exit> exit = engine.exit(previous.id());
        Instance running = engine.find(previous.id()).orElse(found);
        if (!(ports.probe().until(running, spec, exit) instanceof ReadinessProbe.Verdict.Ready)) {
            note("revived", previous.name() + " was started again, but is not ready by the new file's check");
        }
    }

    private void hooks(String id, String which) {
        for (Tree hook : spec.definition().list(which)) {
            List<String> words = hook.texts("command");
            ContainerEngine.Executed ran = engine.exec(
                    id,
                    new ContainerEngine.Command(
                            words,
                            hook.text("user"),
                            hook.text("working_dir"),
                            hook.map("environment").entrySet().stream()
                                    .map(entry -> entry.getKey() + "=" + entry.getValue())
                                    .toList(),
                            hook.flag("privileged")),
                    spec.readiness().deadline());
            boolean failed = ran.exitCode().isEmpty() || ran.exitCode().get() != 0;
            if (failed && which.equals("post_start")) {
                throw new StepFailed(
                        "the post_start hook '" + String.join(" ", words) + "' "
                                + ran.exitCode()
                                        .map(code -> "exited with code " + code)
                                        .orElse("did not end in time"),
                        Map.of("output", ran.output()));
            }
            if (failed) {
                note("hook", "the pre_stop hook '" + String.join(" ", words) + "' failed; stopping all the same");
            }
        }
    }

    private Optional<Instance> candidate(int slot) {
        return engine.instances(key).stream()
                .filter(instance -> instance.rollout().equals(ticket.id()) && instance.slot() == slot)
                .findFirst();
    }

    private List<Instance> candidatesOrGone(Batch batch) {
        return batch.slots().stream()
                .map(this::candidate)
                .flatMap(Optional::stream)
                .toList();
    }

    private List<Instance> candidates(Batch batch) {
        List<Instance> there = candidatesOrGone(batch);
        if (there.size() != batch.slots().size()) {
            throw new StepFailed("a candidate was removed by somebody else", Map.of());
        }
        return there;
    }

    private void stillUp(Instance candidate) {
        CompletableFuture<ContainerEngine.Exit> exit = engine.exit(candidate.id());
        if (exit.isDone() || candidate.state() == Instance.State.EXITED) {
            throw dead(candidate, 0, List.of());
        }
    }

    private StepFailed dead(Instance candidate, int asked, List<String> answers) {
        ContainerEngine.Autopsy autopsy = engine.autopsy(candidate.id());
        return new StepFailed(
                "the candidate " + candidate.shortId() + " is not up: " + autopsy.words()
                        + (asked > 0
                                ? ", after " + asked + " checks ("
                                        + spec.readiness().words() + ")"
                                : ""),
                shown(autopsy, answers, ""));
    }

    private StepFailed notReady(Instance candidate, ReadinessProbe.Verdict.NotReady not) {
        ContainerEngine.Autopsy autopsy = engine.autopsy(candidate.id());
        return new StepFailed(
                "the candidate " + candidate.shortId() + " did not become ready: " + not.words()
                        + (not.cause().isEmpty() ? "" : "; " + not.cause()),
                shown(autopsy, not.answers(), not.cause()));
    }

    private Map<String, String> shown(Instance candidate, List<String> answers) {
        return shown(engine.autopsy(candidate.id()), answers, "");
    }

    private static Map<String, String> shown(ContainerEngine.Autopsy autopsy, List<String> answers, String cause) {
        Map<String, String> details = new LinkedHashMap<>();
        if (!answers.isEmpty()) {
            details.put("answers", String.join("\n", answers));
        }
        details.put("state", autopsy.words());
        if (!autopsy.lastLines().isEmpty()) {
            details.put("logs", String.join("\n", autopsy.lastLines()));
        }
        if (!cause.isEmpty()) {
            details.put("likely cause", cause);
        }
        return details;
    }

    /** The service's own restart policy, as Compose maps it. */
    static RestartPolicy restartPolicy(ServiceSpec spec) {
        String restart = spec.definition().text("restart");
        if (restart != null && !restart.isEmpty()) {
            String[] parts = restart.split(":", 2);
            return new RestartPolicy(parts[0], parts.length > 1 ? Integer.parseInt(parts[1]) : 0);
        }
        Tree policy = spec.definition().at("deploy", "restart_policy");
        if (!policy.isPresent()) {
            return RestartPolicy.NO;
        }
        return switch (policy.text("condition", "any")) {
            case "none" -> RestartPolicy.NO;
            case "on-failure" -> new RestartPolicy("on-failure", policy.integer("max_attempts", 0));
            case "any", "always" -> new RestartPolicy("always", 0);
            default -> new RestartPolicy(policy.text("condition", "no"), 0);
        };
    }

    private void sleep(Duration duration) throws InterruptedException {
        if (!duration.isZero() && ports.waiter().await(abort, duration)) {
            throw new Aborted();
        }
    }

    private void checkAbort() {
        if (abort.isDone()) {
            throw new Aborted();
        }
    }

    private void note(String kind, String text) {
        ports.journal().note(ticket.id(), kind, text, Map.of());
    }

    static Duration letGo() {
        return LET_GO;
    }
}
