package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.wire.Heir;
import dev.rollout.agent.wire.Launcher;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks after the gateway's process: starts it where it is wanted, and again where it died. */
final class GatewayKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayKeeper.class);
    private static final Duration FIRST_LOOK = Duration.ofSeconds(1);
    private static final long LOOK_MILLIS = 200;
    private static final long TICK_MILLIS = 10;
    private static final long PATIENCE_NANOS = 15_000_000_000L;

    private final Folders folders;
    private final Control control;
    private final RouteFile file;
    private final Thread watch;
    private String said = "";

    GatewayKeeper(Folders folders) {
        this.folders = folders;
        this.control = new Control(folders.gatewaySocket());
        this.file = new RouteFile(folders);
        lookAtFirst();
        this.watch = Thread.ofVirtual().name("gateway-keeper").start(this::watch);
    }

    /** A gateway that is asked sees to it that its routes are in the file. One that hangs is not waited for. */
    private void lookAtFirst() {
        try {
            Thread.ofVirtual().name("gateway-look").start(this::look).join(FIRST_LOOK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The routes that the gateway has, or will come back with. */
    List<Route> routes() {
        try {
            return file.read();
        } catch (IOException e) {
            throw new EngineRefused(0, "the gateway's routes cannot be read: " + e.getMessage());
        }
    }

    private void watch() {
        try {
            while (true) {
                control.awaitEnd();
                lookAfter();
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the gateway does now; nothing where none runs. */
    JsonNode look() {
        try {
            return control.ask("GET", "/v1/routes", null);
        } catch (IOException e) {
            return MissingNode.getInstance();
        }
    }

    private void lookAfter() throws InterruptedException {
        try {
            if (!routes().isEmpty() && !answers()) { // the end of one that was replaced is none
                LOG.warn("the gateway is not there: starting it");
                start();
            }
        } catch (EngineRefused e) {
            if (!said.equals(e.getMessage())) {
                said = String.valueOf(e.getMessage());
                LOG.error("{}", said); // once; and looked after again
            }
        }
    }

    private boolean answers() {
        return !look().isMissingNode();
    }

    /**
     * Asks the gateway, which is started if need be. Where one is just taking over from another, neither can say or do
     * all by itself, so that is waited for.
     *
     * @throws EngineRefused where it refuses or cannot be had
     */
    JsonNode call(String method, String path, @Nullable Object body) {
        long start = System.nanoTime();
        try {
            while (true) {
                boolean patient = System.nanoTime() - start < PATIENCE_NANOS;
                try {
                    JsonNode answer = ask(method, path, body);
                    if (answer.path("heir").asLong() == 0 || !patient) {
                        return answer;
                    }
                } catch (EngineRefused e) {
                    if (e.status() != GatewayProcess.BUSY || !patient) {
                        throw new EngineRefused(0, String.valueOf(e.getMessage())); // not the Engine's status
                    }
                }
                Thread.sleep(TICK_MILLIS);
            }
        } catch (IOException e) {
            throw new EngineRefused(0, "the gateway: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineRefused(0, "the gateway: interrupted");
        }
    }

    private JsonNode ask(String method, String path, @Nullable Object body) throws IOException, InterruptedException {
        try {
            return control.ask(method, path, body);
        } catch (IOException notThere) {
            start();
            return control.ask(method, path, body); // all that is asked may be asked twice
        }
    }

    /** Makes sure of a gateway, beside what else is done: one that starts with nothing to lead warms up first. */
    void prepare() {
        Thread.ofVirtual().name("gateway-start").start(() -> {
            try {
                start();
            } catch (EngineRefused | InterruptedException e) {
                LOG.warn("{}", e.getMessage()); // it is tried again, and said, when there is something to lead
            }
        });
    }

    private synchronized void start() throws InterruptedException {
        if (answers()) {
            return;
        }
        try {
            Launcher.start(folders.gatewayLog(), "gateway", "run");
        } catch (IOException e) {
            throw new EngineRefused(0, "the gateway cannot be started: " + e.getMessage());
        }
        long start = System.nanoTime();
        while (!answers()) {
            if (System.nanoTime() - start > PATIENCE_NANOS) {
                throw new EngineRefused(0, "the gateway does not start; its log is " + folders.gatewayLog());
            }
            Thread.sleep(TICK_MILLIS);
        }
    }

    /**
     * Puts a new gateway in the place of the one that runs: for what is fixed when a port is opened. Where that is not
     * allowed, or does not work, the ports go on as they are.
     */
    synchronized void renew() {
        try {
            if (!Heir.takesOver(
                    folders.gatewayLog(),
                    () -> control.ask("GET", "/v1/routes", null).path("pid").asLong())) {
                LOG.error(
                        "a port's mode or certificates changed, and no new gateway could take over (see {}): they hold"
                                + " after 'rollout gateway stop'",
                        folders.gatewayLog());
            }
        } catch (IOException e) {
            throw new EngineRefused(0, "the gateway cannot be replaced: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineRefused(0, "the gateway: interrupted");
        }
    }

    @Override
    public void close() {
        watch.interrupt();
    }
}
