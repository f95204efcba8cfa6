package dev.rollout.agent.gateway;

import dev.rollout.agent.json.Json;
import dev.rollout.agent.wire.ContainerAddress;
import dev.rollout.agent.wire.ContainerEvents;
import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * While no agent lives nobody tells the gateway that a container was started again, at another address, or that its own is
 * another container's by now: it asks the Engine itself.
 */
final class StandIn {
    private static final Logger LOG = LoggerFactory.getLogger(StandIn.class);
    private static final long LOOK_MILLIS = 300;

    private final UnixHttp agent;
    private final UnixHttp engine;
    private final Supplier<Map<String, String>> led;
    private final Consumer<Map<String, Optional<String>>> there;

    /**
     * @param led the containers that are led to
     * @param there takes the address of each: an empty text while it does not run, nothing where it is gone
     */
    StandIn(Path agent, Path engine, Supplier<Map<String, String>> led, Consumer<Map<String, Optional<String>>> there) {
        this.agent = new UnixHttp(agent);
        this.engine = new UnixHttp(engine);
        this.led = led;
        this.there = there;
    }

    /** Waits for the agent's end, in the background. */
    void start() {
        Thread.ofVirtual().name("stand-in").start(this::live);
    }

    private void live() {
        try {
            while (true) {
                agent.awaitEnd();
                Thread.sleep(LOOK_MILLIS); // one that is replaced is away for a moment
                if (!agentLives() && !led.get().isEmpty()) {
                    follow();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean agentLives() {
        try (UnixHttp.Answer answer = agent.send("GET", "/healthz", null, "")) {
            return answer.status() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** Until an agent lives, or the Engine ends. */
    private void follow() {
        try (UnixHttp.Answer events = engine.send("GET", ContainerEvents.PATH, null, "")) {
            LOG.info("no agent lives: following the containers");
            do {
                there.accept(addresses()); // at first: what happened while nobody looked
            } while (UnixHttp.line(events.body()) != null && !agentLives());
        } catch (IOException | RuntimeException e) {
            LOG.debug("the Engine does not answer, or not as it should: {}", e.toString()); // tried again
        }
    }

    private Map<String, Optional<String>> addresses() throws IOException {
        Map<String, Optional<String>> addresses = new HashMap<>();
        for (String instance : led.get().keySet()) {
            try (UnixHttp.Answer answer = engine.send("GET", "/containers/" + instance + "/json", null, "")) {
                byte[] body = answer.body().readAllBytes();
                if (answer.status() == 200) {
                    addresses.put(instance, Optional.of(ContainerAddress.of(Json.MAPPER.readTree(body))));
                } else if (answer.status() == 404) {
                    addresses.put(instance, Optional.empty());
                } else {
                    throw new IOException("the Engine answered " + answer.status());
                }
            }
        }
        return addresses;
    }
}
