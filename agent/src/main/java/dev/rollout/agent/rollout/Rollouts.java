package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.MemoryCheck;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.ProjectSpec;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Template;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Phase;
import dev.rollout.agent.rollout.machine.State;
import dev.rollout.agent.rollout.plan.Plan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Begins rollouts, one at a time for a service; resumes those that a crash interrupted; aborts them. */
public final class Rollouts implements AutoCloseable {
    /** The exit codes of the command line, by how a rollout ended. */
    public static final int DONE = 0;

    public static final int ROLLED_BACK = 1;
    public static final int USAGE = 2;
    public static final int STUCK = 3;
    public static final int BUSY = 4;
    public static final int ABORTED = 5;
    public static final int UNREACHABLE = 69;

    private static final Logger LOG = LoggerFactory.getLogger(Rollouts.class);

    /** One service of a request, and where to follow it. */
    public record Begun(String id, String service) {}

    private record Job(String id, ServiceSpec spec, boolean dependency, boolean runsToItsEnd) {}

    private final Ports ports;
    private final String agent;
    private final Admission admission;
    private final Reservations held;
    private final Map<String, RolloutRun> running = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<Void>> aborts = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** @param agent this agent's id, written into the labels of what it makes */
    public Rollouts(Ports ports, String agent) {
        this.ports = ports;
        this.agent = agent;
        this.admission = new Admission(ports, agent);
        this.held = new Reservations(ports);
    }

    /** Takes up every rollout that was begun and not ended. Called once, before anything else is asked. */
    public void resume() {
        for (Ticket ticket : ports.journal().open()) {
            LOG.info("resuming rollout {} of {}", ticket.id(), ticket.key());
            held.resume(ticket.key(), ticket.id());
            Thread.ofVirtual().name("rollout-" + ticket.id()).start(() -> {
                try {
                    drive(ticket);
                } finally {
                    held.free(ticket.key(), ticket.id());
                }
            });
        }
    }

    /** What {@link #up} would do with a service, a step a line. */
    public record Planned(String service, List<String> lines, boolean nothingToDo) {}

    /** What {@link #up} would do with the services that are asked for, in its order. Changes nothing. */
    public List<Planned> plan(UpRequest request) {
        ProjectSpec project = request.project();
        List<String> wanted = request.wanted();
        List<Planned> plans = new ArrayList<>();
        Set<String> replaced = new HashSet<>();
        List<String> ordered = Dependencies.ordered(project, wanted);
        for (String service : ordered) {
            if (Dependencies.isJob(project, ordered, service)) {
                plans.add(new Planned(service, List.of("run it to its end, unless that has been done"), false));
            } else if (wanted.contains(service)) {
                ServiceSpec spec = ServiceSpec.of(project, service, request.overrides());
                admission.check(spec);
                Plan plan = plan(
                        spec,
                        ports.engine().revision(spec),
                        Dependencies.restart(project, service, replaced) ? UpRequest.Force.ALL : request.force(),
                        ports.engine().instances(spec.key()));
                plans.add(new Planned(service, plan.lines(), plan.nothingToDo()));
                if (!plan.nothingToDo()) {
                    replaced.add(service);
                }
            }
        }
        return plans;
    }

    private Plan plan(ServiceSpec spec, Optional<Revision> revision, UpRequest.Force force, List<Instance> observed) {
        List<Instance> instances = ours(spec.key(), observed);
        Plan plan = Plan.of(
                spec,
                revision,
                instances,
                force == UpRequest.Force.ALL || instances.stream().anyMatch(this::isCutOff),
                instance -> ports.engine().restartPolicy(instance.id()));
        admission.checkNamespaces(plan);
        admission.checkOverlap(plan);
        return plan;
    }

    /** It runs, and the network or processes that it has of another container are no more: it is as good as none. */
    private boolean isCutOff(Instance instance) {
        return instance.running() && ports.engine().namespaceIsLost(instance.id());
    }

    /** The service's instances; a leftover candidate of a rollout that nobody drives any more is not one. */
    private List<Instance> ours(ServiceKey key, List<Instance> observed) {
        List<Instance> instances = new ArrayList<>();
        for (Instance instance : observed) {
            boolean leftover = instance.name().endsWith(Steps.NEXT) && !running.containsKey(instance.rollout());
            if (!leftover) {
                instances.add(instance);
            } else if (!instance.agent().equals(agent)) {
                throw new ServiceBusy(
                        key + " is being rolled by another agent: the container " + instance.name()
                                + " belongs to it; if that agent is gone for good, remove the container",
                        instance.rollout());
            }
        }
        return instances;
    }

    /** The service's instances as the Engine shows them. */
    public List<Instance> instances(ServiceKey key) {
        return ports.engine().instances(key);
    }

    /**
     * Begins to roll services, and what they depend on where that is not running, in order.
     *
     * @throws Refused where the request cannot be done
     * @throws ServiceBusy where a rollout or a lock holds one of the services
     */
    public List<Begun> up(UpRequest request) {
        List<String> wanted = request.wanted();
        List<Job> jobs = new ArrayList<>();
        List<String> ordered = Dependencies.ordered(request.project(), wanted);
        for (String service : ordered) {
            boolean dependency = !wanted.contains(service);
            ServiceSpec spec =
                    ServiceSpec.of(request.project(), service, dependency ? Overrides.NONE : request.overrides());
            boolean job = Dependencies.isJob(request.project(), ordered, service);
            if (dependency && !job && runs(spec)) {
                continue;
            }
            if (!job) {
                admission.check(spec);
            }
            if (!dependency && request.kind() == Ticket.Kind.RELEASE) {
                ports.traffic().refusalToRelease(spec).ifPresent(sentence -> {
                    throw new Refused(Refused.Why.USAGE, "services." + service + " " + sentence);
                });
            }
            jobs.add(new Job(newId(), spec, dependency, job));
        }
        Map<ServiceKey, String> wants = new LinkedHashMap<>();
        jobs.forEach(job -> wants.put(job.spec().key(), job.id()));
        held.take(wants, request.onConflict(), this::abort);
        Thread.ofVirtual().name("up-" + jobs.getFirst().id()).start(() -> all(jobs, request));
        return jobs.stream()
                .map(job -> new Begun(job.id(), job.spec().key().service()))
                .toList();
    }

    private boolean runs(ServiceSpec spec) {
        return ports.engine().instances(spec.key()).stream().anyMatch(Instance::running);
    }

    private static String newId() {
        return UUID.randomUUID().toString().substring(0, 8);
    }

    private void all(List<Job> jobs, UpRequest request) {
        String failed = "";
        Set<String> replaced = new HashSet<>();
        CompletableFuture<?>[] wanted = jobs.stream()
                .filter(job -> !job.dependency())
                .map(job -> asked(job.id()))
                .toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(wanted)
                .thenRun(() -> jobs.forEach(job -> abort(job.id()))); // nobody needs those before
        for (Job job : jobs) {
            ServiceKey key = job.spec().key();
            try {
                if (asked(job.id()).isDone()) {
                    finish(job.id(), ABORTED, key + ": aborted before anything was started");
                    failed = key.service();
                } else if (!failed.isEmpty()) {
                    finish(job.id(), ROLLED_BACK, key + ": not begun, since " + failed + " failed");
                } else if (one(job, request, replaced) != DONE) {
                    failed = key.service();
                }
            } finally {
                aborts.remove(job.id());
                held.free(key, job.id());
            }
        }
    }

    /**
     * Prepares, plans, journals, and drives one rollout. The exit code.
     *
     * @param replaced the services of the request that were replaced before it
     */
    private int one(Job job, UpRequest request, Set<String> replaced) {
        ServiceSpec spec = job.spec();
        ServiceKey key = spec.key();
        CompletableFuture<Void> abort = asked(job.id());
        try {
            Revision revision = ports.engine().prepare(spec, request.asker(), text -> note(job.id(), "prepare", text));
            if (job.runsToItsEnd()) {
                String how = new JobRun(job.id(), spec, revision, ports.engine()).run(agent, abort);
                return finish(job.id(), DONE, key + ": " + how);
            }
            boolean force = !job.dependency()
                    && (request.force() == UpRequest.Force.ALL
                            || Dependencies.restart(spec.project(), key.service(), replaced));
            List<Instance> observed = ports.engine().instances(key);
            sweep(observed);
            Plan plan = plan(
                    spec, Optional.of(revision), force ? UpRequest.Force.ALL : UpRequest.Force.CHANGED_ONLY, observed);
            if (plan.nothingToDo()) {
                lead(plan);
                return finish(job.id(), DONE, key + ": " + plan.lines().getFirst());
            }
            checkMemory(plan, observed, job.id());
            if (abort.isDone()) {
                return finish(job.id(), ABORTED, key + ": aborted before anything was started");
            }
            plan.lines().forEach(line -> note(job.id(), "plan", line));
            Ticket ticket = new Ticket(
                    job.id(),
                    job.dependency() ? Ticket.Kind.UP : request.kind(),
                    spec.project(),
                    key.service(),
                    job.dependency() ? Overrides.NONE : request.overrides(),
                    revision,
                    ports.journal().nextGeneration(key, seen(spec, observed)),
                    plan.batches(),
                    replaced(plan.batches(), observed),
                    agent,
                    request.by(),
                    ports.clock().instant());
            ports.journal().begin(ticket);
            replaced.add(key.service());
            return drive(ticket);
        } catch (Refused e) {
            return finish(
                    job.id(),
                    e.why() == Refused.Why.USAGE ? USAGE : ROLLED_BACK,
                    key + ": " + e.getMessage() + "; nothing was started");
        } catch (EngineRefused e) {
            return finish(job.id(), ROLLED_BACK, key + ": " + e.getMessage() + "; nothing was started");
        } catch (StepFailed e) {
            ports.journal().note(job.id(), "failure", String.valueOf(e.getMessage()), e.details());
            return finish(job.id(), ROLLED_BACK, key + ": " + e.getMessage());
        } catch (Aborted e) {
            return finish(job.id(), ABORTED, key + ": aborted, and stopped");
        } catch (EngineUnavailable e) {
            return finish(job.id(), UNREACHABLE, key + ": the Docker Engine cannot be reached: " + e.getMessage());
        } catch (ServiceBusy e) {
            return finish(job.id(), BUSY, String.valueOf(e.getMessage()));
        } catch (JournalFull e) {
            return finish(job.id(), ROLLED_BACK, key + ": " + e.getMessage() + "; nothing was started");
        } catch (RuntimeException e) {
            LOG.error("rollout {} of {} failed before it was begun", job.id(), key, e);
            return finish(job.id(), ROLLED_BACK, key + ": " + e + "; nothing was started");
        }
    }

    /** A journal may have been lost, and with it the numbers of what runs, or of what has left its traces in the claims. */
    private long seen(ServiceSpec spec, List<Instance> observed) {
        long made = observed.stream().mapToLong(Instance::generation).max().orElse(0);
        return spec.handover() == null ? made : Math.max(made, ports.roles().generation(spec.key()));
    }

    /** What the journal cannot tell of the version that a rollout replaces, so that undo can go back to it. */
    private @Nullable Template replaced(List<Batch> batches, List<Instance> observed) {
        Set<String> previous = batches.stream()
                .flatMap(batch -> batch.previous().stream())
                .map(Previous::id)
                .collect(Collectors.toSet());
        return observed.stream()
                .filter(instance -> previous.contains(instance.id()))
                .filter(instance -> ports.journal().find(instance.rollout()).isEmpty())
                .min(Comparator.comparing((Instance instance) -> !instance.running())
                        .thenComparing(Instance::slot))
                .flatMap(instance -> ports.engine().template(instance.id()))
                .orElse(null);
    }

    /** The instances are as wanted; so be the way to them. */
    private void lead(Plan plan) {
        if (plan.spec().publishesPorts()
                && !plan.unchanged().isEmpty()
                && ports.traffic().routes(plan.spec())) {
            ports.traffic()
                    .point(
                            plan.spec(),
                            plan.unchanged(),
                            plan.unchanged().stream()
                                    .map(instance -> new Served(instance, plan.spec()))
                                    .toList());
        }
    }

    private int drive(Ticket ticket) {
        RolloutRun run = new RolloutRun(ticket, ports);
        running.put(ticket.id(), run);
        asked(ticket.id()).thenRun(run::abort);
        try {
            State end = run.run();
            boolean aborted = ports.journal()
                    .events(ticket.id())
                    .contains(dev.rollout.agent.rollout.machine.Event.ABORT_REQUESTED);
            int code = exitCode(end.phase(), aborted);
            String last = ports.journal()
                    .find(ticket.id())
                    .map(Journal.Past::lastLine)
                    .orElse("");
            LOG.info("{}", last);
            return finish(ticket.id(), code, last);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return STUCK; // the agent stops; the next one resumes from the journal
        } catch (RuntimeException e) {
            if (!closed) {
                LOG.error("rollout {} stopped; it is resumed when the agent starts again", ticket.id(), e);
                finish(
                        ticket.id(),
                        STUCK,
                        ticket.key() + ": stopped: " + e.getMessage() + "; 'rollout agent stop' and 'start' resume it");
            }
            return STUCK;
        } finally {
            running.remove(ticket.id());
            aborts.remove(ticket.id());
        }
    }

    private static int exitCode(Phase end, boolean aborted) {
        return switch (end) {
            case COMPLETED -> DONE;
            case ROLLED_BACK -> aborted ? ABORTED : ROLLED_BACK;
            default -> STUCK;
        };
    }

    /** Removes candidates that this agent left when its journal was lost: nobody drives them. */
    private void sweep(List<Instance> observed) {
        for (Instance instance : observed) {
            if (instance.name().endsWith(Steps.NEXT)
                    && instance.agent().equals(agent)
                    && !running.containsKey(instance.rollout())) {
                ports.engine().remove(instance.id());
            }
        }
    }

    private void checkMemory(Plan plan, List<Instance> observed, String id) {
        ServiceSpec spec = plan.spec();
        if (spec.memoryCheck() == MemoryCheck.OFF || spec.update().order() == Order.STOP_FIRST) {
            return;
        }
        int most = plan.batches().stream()
                .mapToInt(batch -> batch.slots().size())
                .max()
                .orElse(0);
        ContainerEngine.Memory memory = ports.engine().memory(spec, observed, most);
        if (memory.needed() <= memory.available()) {
            return;
        }
        String words = "not enough memory for two versions at once: the candidates may take " + (memory.needed() >> 20)
                + " MiB, the host has " + (memory.available() >> 20)
                + " MiB to give; free some, lower mem_limit, set order: stop-first, or x-rollout.memory_check: warn";
        if (spec.memoryCheck() == MemoryCheck.REFUSE) {
            throw new Refused(Refused.Why.HOST, words);
        }
        note(id, "warning", words);
    }

    /** Done when somebody has asked a rollout to end. */
    private CompletableFuture<Void> asked(String id) {
        return aborts.computeIfAbsent(id, key -> new CompletableFuture<>());
    }

    /** Asks a rollout to end, keeping the previous. False: there is no such rollout in progress. */
    public boolean abort(String id) {
        if (!held.by(id) && !running.containsKey(id)) {
            return false;
        }
        asked(id).complete(null);
        RolloutRun run = running.get(id);
        if (run != null) {
            run.abort();
        }
        return true;
    }

    /** Requests of a service wait at the gateway. @throws Refused where its ports are not the gateway's */
    public void pause(ServiceKey key) {
        ledByGateway(key, ports.traffic().pause(key));
    }

    /** They go on. @throws Refused where its ports are not the gateway's */
    public void resume(ServiceKey key) {
        ledByGateway(key, ports.traffic().resume(key));
    }

    private static void ledByGateway(ServiceKey key, boolean led) {
        if (!led) {
            throw new Refused(
                    Refused.Why.USAGE,
                    key + " has no ports that the gateway leads; 'rollout gateway status' shows those that have");
        }
    }

    /** The rollout that holds a service now. */
    public Optional<String> inProgress(ServiceKey key) {
        return held.holder(key);
    }

    /** Whether the id is that of a rollout that is being prepared or driven. */
    public boolean knows(String id) {
        return held.by(id) || running.containsKey(id);
    }

    /** How many rollouts are in progress. */
    public int inProgress() {
        return held.size();
    }

    /**
     * Goes back to an earlier version: the one before the last that completed, or that of a given rollout.
     *
     * @throws Refused where there is none
     */
    public List<Begun> undo(ServiceKey key, Optional<String> to, Optional<Order> order, String by) {
        Undo undo = Undo.of(key, to, ports.journal());
        List<Begun> begun = up(undo.request(order, by));
        undo.warning().ifPresent(words -> note(begun.getLast().id(), "warning", words));
        return begun;
    }

    private void note(String id, String kind, String text) {
        try {
            ports.journal().note(id, kind, text, Map.of());
        } catch (JournalFull e) {
            LOG.warn("{} ({})", text, e.getMessage());
        }
    }

    private int finish(String id, int code, String lastLine) {
        Map<String, String> details = new LinkedHashMap<>();
        details.put("exit", Integer.toString(code));
        try {
            ports.journal().note(id, "end", Objects.requireNonNull(lastLine), details);
        } catch (JournalFull e) {
            LOG.error("{} ({})", lastLine, e.getMessage());
        }
        return code;
    }

    @Override
    public void close() {
        closed = true;
    }
}
