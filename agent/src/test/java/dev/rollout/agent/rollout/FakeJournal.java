package dev.rollout.agent.rollout;

import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.machine.Event;
import dev.rollout.agent.rollout.machine.Phase;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A journal in memory, which outlives the agent as the disk does. */
final class FakeJournal implements Journal {
    final Map<String, Ticket> tickets = new LinkedHashMap<>();
    final Map<String, Phase> ended = new HashMap<>();
    final Map<String, String> lastLines = new HashMap<>();
    final Map<String, List<Event>> events = new HashMap<>();
    final List<String> notes = new ArrayList<>();
    final Map<ServiceKey, Lock> locks = new HashMap<>();
    Crash.At crash = new Crash.At(Integer.MAX_VALUE);
    private long generation;

    @Override
    public void begin(Ticket ticket) {
        crash.around(() -> tickets.put(ticket.id(), ticket));
    }

    @Override
    public void intend(String rollout, Phase phase, int batch) {
        crash.around(() -> notes.add("intent " + phase + " " + batch));
    }

    @Override
    public void outcome(String rollout, Event event, Phase next, String words) {
        crash.around(
                () -> events.computeIfAbsent(rollout, id -> new ArrayList<>()).add(event));
    }

    @Override
    public void note(String rollout, String kind, String text, Map<String, String> details) {
        notes.add(kind + " " + text);
    }

    @Override
    public void end(String rollout, Phase phase, String lastLine) {
        crash.around(() -> {
            ended.put(rollout, phase);
            lastLines.put(rollout, lastLine);
        });
    }

    @Override
    public List<Event> events(String rollout) {
        return List.copyOf(events.getOrDefault(rollout, List.of()));
    }

    @Override
    public List<Entry> entries(String rollout, long after) {
        return List.of();
    }

    @Override
    public List<Ticket> open() {
        return tickets.values().stream().filter(t -> !ended.containsKey(t.id())).toList();
    }

    @Override
    public Optional<Past> find(String rollout) {
        return Optional.ofNullable(tickets.get(rollout))
                .map(ticket -> new Past(
                        ticket,
                        ended.getOrDefault(rollout, Phase.PLANNED),
                        ended.containsKey(rollout) ? Optional.of(Instant.EPOCH) : Optional.empty(),
                        lastLines.getOrDefault(rollout, "")));
    }

    @Override
    public List<Past> history(Optional<ServiceKey> key, int most) {
        return tickets.keySet().stream()
                .map(id -> find(id).orElseThrow())
                .toList()
                .reversed();
    }

    @Override
    public long nextGeneration(ServiceKey key, long seen) {
        generation = Math.max(generation, seen + seen % 2) + 2;
        return generation;
    }

    @Override
    public Optional<Lock> lock(ServiceKey key) {
        return Optional.ofNullable(locks.get(key));
    }

    @Override
    public void lock(ServiceKey key, Lock lock) {
        locks.put(key, lock);
    }

    @Override
    public boolean unlock(ServiceKey key) {
        return locks.remove(key) != null;
    }
}
