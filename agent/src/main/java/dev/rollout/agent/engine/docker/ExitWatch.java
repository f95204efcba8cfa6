package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.dockerjava.transport.DockerHttpClient.Request;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.rollout.ContainerEngine.Exit;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.EngineUnavailable;
import dev.rollout.agent.wire.ContainerEvents;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who has exited: from the Engine's event stream, and by looking again each time the stream was opened. */
final class ExitWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ExitWatch.class);
    private static final long RECONNECT_MILLIS = 200;

    private final DockerApi api;
    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, CompletableFuture<Exit>> waiting = new ConcurrentHashMap<>();
    private final Thread thread;
    private volatile BiConsumer<ServiceKey, String> changed = (key, id) -> {};
    private volatile Runnable unseen = () -> {};
    private volatile boolean open;
    private boolean away; // and that was said
    private volatile boolean closed;

    ExitWatch(DockerApi api) {
        this.api = api;
        this.thread = Thread.ofVirtual().name("docker-events").start(this::follow);
    }

    /** Done when the container does not run any more. */
    CompletableFuture<Exit> exit(String id) {
        CompletableFuture<Exit> exit = waiting.computeIfAbsent(id, key -> new CompletableFuture<>());
        look(id, exit);
        if (exit.isDone()) {
            waiting.remove(id, exit); // it may be started again, and exit again
        }
        return exit;
    }

    private void look(String id, CompletableFuture<Exit> exit) {
        try {
            JsonNode state = api.get("/containers/" + id + "/json").path("State");
            String status = state.path("Status").asText();
            if (!status.equals("running") && !status.equals("paused")) {
                exit.complete(new Exit(state.path("ExitCode").asInt(), false));
            }
        } catch (EngineRefused e) {
            if (e.status() == 404) {
                exit.complete(new Exit(-1, true));
            }
        } catch (EngineUnavailable e) {
            // asked again when the stream is open
        }
    }

    private void lookAgain() {
        Thread.ofVirtual().name("unseen").start(unseen);
    }

    private void follow() {
        while (!closed) {
            try {
                api.stream(Request.Method.GET, ContainerEvents.PATH, null, Map.of(), body -> {
                    waiting.forEach(this::look); // what happened while nobody listened
                    open = true;
                    if (away) {
                        away = false;
                        LOG.info("the Docker Engine is back");
                    }
                    lookAgain();
                    try (MappingIterator<JsonNode> events =
                            json.readerFor(JsonNode.class).readValues(body)) {
                        while (events.hasNextValue()) {
                            take(events.nextValue());
                        }
                    }
                });
            } catch (EngineUnavailable | EngineRefused e) {
                if (!away && !closed) {
                    away = true;
                    LOG.warn("the Docker Engine is away: {}", e.getMessage());
                }
            }
            open = false;
            api.forget(); // the daemon may come back as another one
            try {
                Thread.sleep(RECONNECT_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /**
     * Calls back with a container of a Compose service that was started, has died or was removed.
     *
     * @param toLook is called when that may have happened unseen
     */
    void onChange(BiConsumer<ServiceKey, String> taker, Runnable toLook) {
        changed = taker;
        unseen = toLook;
        if (open) {
            lookAgain(); // else when it opens
        }
    }

    private void take(JsonNode event) {
        String action = event.path("Action").asText();
        if (!action.equals("start")) {
            died(event);
        }
        JsonNode labels = event.at("/Actor/Attributes");
        if (labels.has(Labels.SERVICE)) {
            ServiceKey key = new ServiceKey(
                    labels.path(Labels.PROJECT).asText(),
                    labels.path(Labels.SERVICE).asText());
            Thread.ofVirtual().name("changed").start(() -> changed.accept(key, id(event)));
        }
    }

    private void died(JsonNode event) {
        String id = id(event);
        CompletableFuture<Exit> exit = waiting.remove(id);
        if (exit != null) {
            boolean gone = event.path("Action").asText().equals("destroy");
            exit.complete(new Exit(event.at("/Actor/Attributes/exitCode").asInt(-1), gone));
        }
    }

    private static String id(JsonNode event) {
        return event.path("Actor").path("ID").asText();
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
