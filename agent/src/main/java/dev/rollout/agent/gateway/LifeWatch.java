package dev.rollout.agent.gateway;

import dev.rollout.agent.wire.ContainerLife;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices at once that a container has ended whose address is led to: the Engine gives that to the next container that starts,
 * and a daemon that comes back starts containers before it tells anybody.
 */
final class LifeWatch {
    private static final Logger LOG = LoggerFactory.getLogger(LifeWatch.class);
    private static final long LOOK_MILLIS = 200;
    private static final int AGAIN = 25; // looks until one that was not seen is looked for again
    private static final int LATER = 10; // until a new one is looked for, which is work: a switch has no time for it

    private final Supplier<Map<String, String>> addresses;
    private final Consumer<String> ended;
    private final Map<String, Seen> seen = new HashMap<>();
    private int looks;

    /**
     * @param life empty where it has not been looked for, or is not this process's to see
     * @param again the look at which it is sought
     */
    private record Seen(String address, Optional<ContainerLife> life, int again) {}

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
                    try {
                        look();
                    } catch (RuntimeException e) {
                        LOG.warn("the lives of containers cannot be seen: {}", e.toString());
                    }
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
            if (before == null || !before.address().equals(address)) {
                int first = looks == 1 ? looks : looks + LATER;
                before = new Seen(address, Optional.empty(), first);
                seen.put(container, before);
            }
            if (before.life().isEmpty() && looks >= before.again()) {
                seen.put(container, new Seen(address, ContainerLife.of(container), looks + AGAIN));
            } else if (before.life().isPresent() && !before.life().get().lasts()) {
                Optional<ContainerLife> next = ContainerLife.of(container); // started again, and told already
                if (next.isPresent()) {
                    seen.put(container, new Seen(address, next, looks + AGAIN));
                } else {
                    seen.remove(container);
                    ended.accept(container);
                }
            }
        });
    }
}
