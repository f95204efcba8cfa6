package dev.rollout.agent.gateway;

import dev.rollout.agent.wire.ContainerLife;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Notices at once that a container has ended whose address is led to: the Engine gives that to the next container that starts,
 * and a daemon that comes back starts containers before it tells anybody.
 */
final class LifeWatch {
    private static final long LOOK_MILLIS = 200;
    private static final int AGAIN = 25; // looks until one that was not seen is looked for again

    private final Supplier<Map<String, String>> addresses;
    private final Consumer<String> ended;
    private final Map<String, Seen> seen = new HashMap<>();
    private int looks;

    /** @param life empty where the container's processes are not this one's to see */
    private record Seen(String address, Optional<ContainerLife> life, int at) {}

    /**
     * @param addresses of the containers that are led to; empty where it is not known
     * @param ended takes one that has ended
     */
    LifeWatch(Supplier<Map<String, String>> addresses, Consumer<String> ended) {
        this.addresses = addresses;
        this.ended = ended;
    }

    /** Watches in the background. */
    void start() {
        Thread.ofVirtual().name("lives").start(() -> {
            try {
                while (true) {
                    look();
                    Thread.sleep(LOOK_MILLIS);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void look() {
        looks++;
        Map<String, String> now = addresses.get();
        now.values().removeIf(String::isEmpty);
        seen.keySet().retainAll(now.keySet());
        now.forEach((container, address) -> {
            Seen before = seen.get(container);
            if (before == null || !before.address().equals(address) || isToSeek(before)) {
                seen.put(container, new Seen(address, ContainerLife.of(container), looks));
            } else if (before.life().isPresent() && !before.life().get().lasts()) {
                Optional<ContainerLife> next = ContainerLife.of(container); // started again, and told already
                if (next.isPresent()) {
                    seen.put(container, new Seen(address, next, looks));
                } else {
                    seen.remove(container);
                    ended.accept(container);
                }
            }
        });
    }

    private boolean isToSeek(Seen before) {
        return before.life().isEmpty() && looks - before.at() >= AGAIN;
    }
}
