package dev.rollout.agent.rollout.plan;

import dev.rollout.agent.model.Batch;
import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.RestartPolicy;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** Desired and observed, to ordered batches. Pure: it asks nobody and changes nothing. */
public record Plan(ServiceSpec spec, Optional<Revision> revision, List<Batch> batches, List<Instance> unchanged) {

    /**
     * @param revision what is wanted; empty where the image is not here yet, and so everything is new
     * @param restart the restart policy of an observed instance
     */
    public static Plan of(
            ServiceSpec spec,
            Optional<Revision> revision,
            List<Instance> observed,
            boolean force,
            Function<Instance, RestartPolicy> restart) {
        List<Instance> sorted = observed.stream()
                .sorted(Comparator.comparingInt(Instance::slot).thenComparing(Instance::createdAt))
                .toList();
        Map<Integer, Instance> kept = new TreeMap<>();
        Map<Integer, List<Instance>> replaced = new TreeMap<>();
        for (Instance instance : sorted) {
            boolean current = !force
                    && instance.running()
                    && instance.slot() <= spec.replicas()
                    && !kept.containsKey(instance.slot())
                    && revision.filter(wanted -> isCurrent(instance, wanted, spec))
                            .isPresent();
            if (current) {
                kept.put(instance.slot(), instance);
            } else {
                replaced.computeIfAbsent(instance.slot(), slot -> new ArrayList<>())
                        .add(instance);
            }
        }
        Set<Integer> slots = new HashSet<>(replaced.keySet());
        for (int slot = 1; slot <= spec.replicas(); slot++) {
            slots.add(slot);
        }
        List<Batch> units = slots.stream()
                .sorted()
                .filter(slot -> !kept.containsKey(slot) || replaced.containsKey(slot))
                .map(slot -> new Batch(
                        slot <= spec.replicas() && !kept.containsKey(slot) ? List.of(slot) : List.of(),
                        replaced.getOrDefault(slot, List.of()).stream()
                                .map(instance -> previous(instance, restart))
                                .toList()))
                .toList();
        return new Plan(spec, revision, group(units, spec.update().parallelism()), List.copyOf(kept.values()));
    }

    private static boolean isCurrent(Instance instance, Revision wanted, ServiceSpec spec) {
        return spec.sameConfig(instance.configHash(), wanted.configHash())
                && instance.imageId().equals(wanted.imageId());
    }

    private static Previous previous(Instance instance, Function<Instance, RestartPolicy> restart) {
        return new Previous(
                instance.id(),
                instance.name(),
                instance.slot(),
                instance.generation(),
                instance.rollout(),
                instance.imageId(),
                instance.running() || instance.state() == Instance.State.RESTARTING,
                restart.apply(instance));
    }

    private static List<Batch> group(List<Batch> units, int parallelism) {
        int size = parallelism <= 0 ? Math.max(1, units.size()) : parallelism;
        List<Batch> batches = new ArrayList<>();
        for (int from = 0; from < units.size(); from += size) {
            List<Batch> together = units.subList(from, Math.min(units.size(), from + size));
            batches.add(new Batch(
                    together.stream().flatMap(unit -> unit.slots().stream()).toList(),
                    together.stream().flatMap(unit -> unit.previous().stream()).toList()));
        }
        return batches;
    }

    /** True where what runs is what is wanted. */
    public boolean nothingToDo() {
        return batches.isEmpty();
    }

    /** The plan as a person reads it, a step a line. */
    public List<String> lines() {
        if (nothingToDo()) {
            return List.of("nothing to do: " + unchanged.size() + " instance(s) run what the file wants");
        }
        List<String> lines = new ArrayList<>();
        if (revision.isEmpty()) {
            lines.add("get the image " + spec.image()
                    + (spec.definition().at("build").isPresent() ? " (build)" : " (pull)"));
        }
        lines.addAll(notes());
        int number = 0;
        for (Batch batch : batches) {
            number++;
            String of = batches.size() == 1 ? "" : "batch " + number + " of " + batches.size() + ": ";
            lines.addAll(steps(batch).stream().map(step -> of + step).toList());
            if (number < batches.size() && !spec.update().delay().isZero()) {
                lines.add("wait " + Durations.words(spec.update().delay()));
            }
        }
        lines.add(spec.keepPrevious() ? "keep the previous version for undo" : "remove the previous version");
        return lines;
    }

    private List<String> notes() {
        List<String> notes = new ArrayList<>();
        Optional<String> data = spec.dataStore();
        Order order = spec.update().order();
        boolean said =
                spec.definition().at("deploy", "update_config").text("order") != null || order != spec.usualOrder();
        String why = data.map(name -> " for a store of data: " + name).orElse("");
        notes.add("order is " + order.word() + (said ? "" : " (Rollout's default" + why + ")") + ", on failure "
                + spec.update().failureAction().name().toLowerCase(java.util.Locale.ROOT));
        notes.add("ready when: " + spec.readiness().words());
        if (order == Order.START_FIRST) {
            data.ifPresent(name -> notes.add("note: two stores on one folder of data may destroy it (" + name
                    + "); order: stop-first avoids that"));
            spec.definition().list("volumes").stream()
                    .filter(mount -> "volume".equals(mount.text("type")) && mount.text("source") != null)
                    .filter(mount -> !mount.flag("read_only"))
                    .forEach(mount -> notes.add("note: the volume '" + mount.text("source")
                            + "' is shared by two instances for a while; order: stop-first avoids that"));
        }
        return notes;
    }

    private List<String> steps(Batch batch) {
        String candidates = batch.slots().isEmpty()
                ? ""
                : String.join(
                        ", ", batch.slots().stream().map(spec::containerName).toList());
        String previous = String.join(
                ", ",
                batch.previous().stream()
                        .map(p -> p.name() + " (" + p.id().substring(0, 12) + ")")
                        .toList());
        List<String> start = candidates.isEmpty()
                ? List.of()
                : List.of(
                        "start a candidate for " + candidates,
                        "probe it, " + spec.readiness().successes() + " times in a row within "
                                + Durations.words(spec.readiness().deadline()),
                        spec.handover() == null
                                ? "promote it"
                                : "hand the role over to it ("
                                        + spec.handover().mode().word() + ")");
        List<String> stop = previous.isEmpty() ? List.of() : List.of("drain and stop " + previous);
        List<String> monitor = spec.update().monitor().isZero() || candidates.isEmpty()
                ? List.of()
                : List.of("watch it for " + Durations.words(spec.update().monitor()));
        List<String> steps = new ArrayList<>();
        if (spec.update().order() == Order.START_FIRST) {
            steps.addAll(start);
            steps.addAll(monitor);
            steps.addAll(stop);
        } else {
            steps.addAll(stop);
            steps.addAll(start);
            steps.addAll(monitor);
        }
        return steps;
    }
}
