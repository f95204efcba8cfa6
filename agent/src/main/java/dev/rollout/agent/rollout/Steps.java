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
    private final Routing routing;
    private final Hooks hooks;
    private final Postmortem postmortem;
    private final Restoring restoring;

    Steps(Ticket ticket, Ports ports, CompletableFuture<Void> abort) {
        this.ticket = ticket;
        this.spec = ticket.spec();
        this.key = ticket.key();
        this.ports = ports;
        this.engine = ports.engine();
        this.abort = abort;
        Versions versions = new Versions(ticket, ports.journal());
        this.handing = new Handing(ticket, versions, ports);
        this.routing = new Routing(ticket, versions, ports);
        this.hooks = new Hooks(ticket, ports);
        this.postmortem = new Postmortem(spec, engine);
        this.restoring = new Restoring(ticket, versions, ports, handing, routing);
    }

    Event perform(State state) throws InterruptedException {
        Batch batch =
                ticket.batches().get(Math.min(state.batch(), ticket.batches().size() - 1));
        return switch (state.phase()) {
            case PLANNED -> begin();
            case STARTING -> start(batch);
            case PROBING -> probe(batch);
            case PROMOTING -> promote(batch, state);
            case DRAINING -> drain(batch, state);
            case MONITORING -> monitor(batch);
            case RETIRING -> retire(batch);
            case PACING -> pace();
            case SETTLING -> settle();
            case RESTORING_BATCH, HALTING -> restoring.restore(List.of(batch));
            case ROLLING_BACK ->
                restoring.restore(ticket.batches().subList(0, state.batch() + 1).reversed());
            case COMPLETED, ROLLED_BACK, PAUSED, STUCK -> throw new IllegalStateException(state + " has no action");
        };
    }

    private Event begin() {
        checkAbort();
        return Event.BEGUN;
    }

    private Event start(Batch batch) {
        checkAbort();
        routing.prepare();
        for (int slot : batch.slots()) {
            Instance candidate = look().candidate(slot).orElseGet(() -> create(slot));
            if (candidate.state() == Instance.State.EXITED) {
                throw postmortem.dead(candidate, 0, List.of());
            }
            if (!candidate.running()) {
                engine.start(candidate.id());
                note("started", spec.containerName(slot) + " " + candidate.shortId() + " started");
                hooks.postStart(candidate.id());
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
                        handing.injection(slot),
                        routing.dockerPublishes()));
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
                case ReadinessProbe.Verdict.NotReady not -> throw postmortem.notReady(candidate, not);
                case ReadinessProbe.Verdict.Interrupted cut -> {
                    checkAbort();
                    throw postmortem.dead(candidate, cut.asked(), cut.answers());
                }
            }
        }
        candidates(batch).forEach(this::stillUp);
        return Event.CANDIDATE_READY;
    }

    private Event promote(Batch batch, State state) throws InterruptedException {
        checkAbort();
        Observed before = look();
        List<Instance> candidates = before.allCandidates(batch);
        candidates.forEach(this::stillUp);
        Observed now = handing.over(candidates, batch.previous()) ? look() : before;
        routing.over(state.batch(), now);
        RestartPolicy own = spec.restartPolicy();
        for (Previous previous : batch.previous()) {
            now.find(previous).ifPresent(found -> {
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
        Observed now = look();
        if (!candidateThere) {
            routing.over(state.batch(), now); // requests wait at the gateway meanwhile
        }
        for (Previous previous : batch.previous()) {
            if (now.find(previous).filter(Instance::running).isPresent()) {
                hooks.drain(previous.id());
                handing.tellToDrain(previous);
            }
        }
        if (!batch.previous().isEmpty()) {
            sleep(spec.drain().pause());
        }
        List<Previous> busy = batch.previous().stream()
                .filter(previous -> !drained(previous, now, candidateThere))
                .toList();
        CompletableFuture<?> died =
                candidateThere && !busy.isEmpty() ? anyOf(exits(candidates(batch))) : new CompletableFuture<>();
        for (Previous previous : busy) {
            CompletableFuture<ContainerEngine.Exit> gone = engine.exit(previous.id());
            while (!gone.isDone() && !drained(previous, now, candidateThere)) {
                if (ports.waiter().nanos() - start > spec.drain().timeout().toNanos()) {
                    int cut = routing.cut(previous);
                    note(
                            "drain",
                            previous.name() + " had not finished after "
                                    + Durations.words(spec.drain().timeout())
                                    + (cut == 0 ? "" : "; cut " + cut + " requests and connections"));
                    break;
                }
                checkAbort();
                if (died.isDone()) {
                    candidates(batch).forEach(this::stillUp);
                }
                ports.waiter().await(gone, TICK);
            }
        }
        return Event.DRAINED;
    }

    private boolean drained(Previous previous, Observed now, boolean candidateThere) {
        return (!candidateThere || handing.drained(previous)) && routing.idle(previous, now);
    }

    private Event monitor(Batch batch) throws InterruptedException {
        List<Instance> candidates = candidates(batch);
        candidates.forEach(this::stillUp); // the last look before the previous is stopped
        Duration monitor = spec.update().monitor();
        if (monitor.isZero() || candidates.isEmpty()) {
            return Event.MONITOR_ELAPSED;
        }
        long start = ports.waiter().nanos();
        Map<Instance, CompletableFuture<ContainerEngine.Exit>> exits = exits(candidates);
        CompletableFuture<Object> any = CompletableFuture.anyOf(anyOf(exits), abort);
        int failures = 0;
        while (true) {
            long left = monitor.toNanos() - (ports.waiter().nanos() - start);
            if (left <= 0) {
                candidates(batch).forEach(this::stillUp);
                return Event.MONITOR_ELAPSED;
            }
            Duration pause = Duration.ofNanos(Math.min(
                    left, Math.max(100_000_000, spec.readiness().interval().toNanos())));
            if (ports.waiter().await(any, pause)) {
                checkAbort();
                for (Map.Entry<Instance, CompletableFuture<ContainerEngine.Exit>> one : exits.entrySet()) {
                    if (one.getValue().isDone()) {
                        throw postmortem.dead(one.getKey(), one.getValue().join());
                    }
                }
            }
            boolean allReady =
                    candidates.stream().allMatch(candidate -> ports.probe().again(candidate, spec));
            failures = allReady ? 0 : failures + 1;
            if (failures >= MONITOR_FAILURES) {
                candidates(batch).forEach(this::stillUp);
                throw new StepFailed(
                        "the candidate was ready, then failed its check " + failures
                                + " times in a row while it was watched ("
                                + spec.readiness().words() + ")",
                        postmortem.shown(candidates.getFirst()));
            }
        }
    }

    private Map<Instance, CompletableFuture<ContainerEngine.Exit>> exits(List<Instance> candidates) {
        Map<Instance, CompletableFuture<ContainerEngine.Exit>> exits = new LinkedHashMap<>();
        candidates.forEach(candidate -> exits.put(candidate, engine.exit(candidate.id())));
        return exits;
    }

    private static CompletableFuture<Object> anyOf(Map<Instance, CompletableFuture<ContainerEngine.Exit>> exits) {
        return CompletableFuture.anyOf(exits.values().toArray(CompletableFuture[]::new));
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
        if (hooks.hasPreStop()
                && engine.find(id)
                        .filter(found -> found.state() != Instance.State.EXITED)
                        .isPresent()) {
            hooks.preStop(id);
        }
        engine.stop(id, spec.stopGracePeriod());
    }

    private Event pace() throws InterruptedException {
        checkAbort();
        sleep(spec.update().delay());
        return Event.DELAY_ELAPSED;
    }

    private Event settle() {
        routing.letGo();
        Observed now = look();
        ticket.batches().stream()
                .flatMap(batch -> now.candidates(batch).stream())
                .forEach(candidate -> {
                    wake(candidate);
                    handing.alarm(candidate).ifPresent(words -> note("alarm", words));
                });
        List<Previous> all = ticket.batches().stream()
                .flatMap(batch -> batch.previous().stream())
                .toList();
        Optional<Previous> newest =
                all.stream().filter(previous -> now.find(previous).isPresent()).findFirst();
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
        engine.keepImages(spec.key());
        return Event.SETTLED;
    }

    /** A daemon that dies takes its containers with it, and does not start each of them again when it is back. */
    private void wake(Instance candidate) {
        if (candidate.state() == Instance.State.EXITED) {
            try {
                engine.start(candidate.id());
                note("revived", candidate.name() + " went down after the previous was stopped: started again");
            } catch (EngineRefused e) {
                note("warning", candidate.name() + " is down and cannot be started again: " + e.getMessage());
            }
        }
    }

    private Observed look() {
        return Observed.now(ticket, engine);
    }

    private List<Instance> candidates(Batch batch) {
        return look().allCandidates(batch);
    }

    private void stillUp(Instance candidate) {
        if (candidate.state() == Instance.State.EXITED || candidate.state() == Instance.State.RESTARTING) {
            throw postmortem.dead(candidate, 0, List.of());
        }
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
