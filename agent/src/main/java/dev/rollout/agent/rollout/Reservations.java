package dev.rollout.agent.rollout;

import dev.rollout.agent.model.ServiceKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Which rollout holds which service: one at a time. */
final class Reservations {
    private static final Duration TICK = Duration.ofMillis(50);

    private final Ports ports;
    private final Map<ServiceKey, String> held = new ConcurrentHashMap<>();

    Reservations(Ports ports) {
        this.ports = ports;
    }

    /** Takes all of the services or none. @throws ServiceBusy where a rollout or a lock holds one of them */
    void take(Map<ServiceKey, String> wants, UpRequest.OnConflict onConflict, Consumer<String> abort) {
        List<ServiceKey> taken = new ArrayList<>();
        try {
            wants.forEach((key, rollout) -> {
                checkLock(key);
                take(key, rollout, onConflict, abort);
                taken.add(key);
            });
        } catch (RuntimeException e) {
            taken.forEach(held::remove);
            throw e;
        }
    }

    private void checkLock(ServiceKey key) {
        ports.journal().lock(key).ifPresent(lock -> {
            throw new ServiceBusy(
                    key + " is locked by " + lock.by() + " since " + lock.since() + ": " + lock.reason()
                            + "; 'rollout unlock " + key.service() + "' frees it",
                    "");
        });
    }

    private void take(ServiceKey key, String rollout, UpRequest.OnConflict onConflict, Consumer<String> abort) {
        while (true) {
            String holder = held.putIfAbsent(key, rollout);
            if (holder == null) {
                return;
            }
            switch (onConflict) {
                case FAIL -> throw new ServiceBusy(words(key, holder), holder);
                case SUPERSEDE -> abort.accept(holder);
                case WAIT -> {}
            }
            try {
                ports.waiter().await(new CompletableFuture<>(), TICK);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ServiceBusy(words(key, holder), holder);
            }
        }
    }

    private String words(ServiceKey key, String holder) {
        String who = ports.journal()
                .find(holder)
                .map(past ->
                        " by " + past.ticket().by() + " since " + past.ticket().at() + " (" + past.phase() + ")")
                .orElse("");
        return key + " is being rolled" + who + ", rollout " + holder + "; 'rollout attach " + holder
                + "' follows it, --on-conflict wait waits for it";
    }

    /** Holds a service for a rollout that an earlier agent had begun. */
    void resume(ServiceKey key, String rollout) {
        held.put(key, rollout);
    }

    void free(ServiceKey key, String rollout) {
        held.remove(key, rollout);
    }

    boolean by(String rollout) {
        return held.containsValue(rollout);
    }

    Optional<String> holder(ServiceKey key) {
        return Optional.ofNullable(held.get(key));
    }

    int size() {
        return held.size();
    }
}
