package dev.rollout.agent.gateway;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.wire.OtherProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The gateway that this one takes over from: it gets no new connection any more, and ends what it has. Until it is gone
 * it follows every change of the routes, so that a switch holds for its connections, too.
 */
final class Elder {
    private static final long PATIENCE_MILLIS = 2000;

    private final ProcessHandle process;
    private volatile Control control;
    private volatile List<PortStatus> last = List.of();
    private volatile boolean over;

    /** @throws IOException where no gateway runs */
    Elder(Path socket) throws IOException {
        control = new Control(socket);
        long pid = control.ask("GET", "/v1/routes", null).path("pid").asLong();
        process = ProcessHandle.of(pid).orElseThrow(() -> new IOException("there is no process " + pid));
    }

    long pid() {
        return process.pid();
    }

    /** From now on it comes back where this process dies. @throws EngineRefused where it cannot be replaced now */
    void announce() throws IOException {
        control.ask("POST", "/v1/heir", Map.of("pid", ProcessHandle.current().pid()));
    }

    /** New connections come here now: it keeps what it has, and answers on another socket. */
    void retire() throws IOException {
        control = new Control(
                Path.of(control.ask("POST", "/v1/retire", null).path("socket").asText()));
    }

    /** All that is asked comes here now: it ends with its last connection, or after a while. */
    void end() throws IOException {
        control.ask("POST", "/v1/end", null);
    }

    void point(String project, String service, List<Route> routes) {
        quietly("PUT", "/v1/routes/" + project + "/" + service, routes);
    }

    void stop() {
        quietly("POST", "/v1/stop", null);
    }

    int cut(String instance) {
        JsonNode answer = quietly("POST", "/v1/cut/" + instance, null);
        return answer == null ? 0 : answer.path("cut").asInt();
    }

    /** What it still does and has done; where it is gone, what it said last. */
    List<PortStatus> status() {
        if (!over) {
            JsonNode answer = quietly("GET", "/v1/routes", null);
            if (answer != null) {
                heard(answer, false);
            }
        }
        return last;
    }

    /** Its last words: it is about to be gone. */
    void left(JsonNode words) {
        heard(words, true);
    }

    private synchronized void heard(JsonNode words, boolean lastWords) {
        if (!over) {
            last = rows(words);
            over = lastWords;
        }
    }

    private static List<PortStatus> rows(JsonNode words) {
        return Json.MAPPER.convertValue(words.path("routes"), new TypeReference<List<PortStatus>>() {});
    }

    private @Nullable JsonNode quietly(String method, String path, @Nullable Object body) {
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        Control asked = control;
        Thread.ofVirtual().name("ask-elder").start(() -> {
            try {
                answer.complete(asked.ask(method, path, body));
            } catch (IOException | EngineRefused e) {
                answer.cancel(false); // it is gone, or about to go
            }
        });
        try {
            return answer.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            // frozen: what it does not follow it would lead to an instance that is being stopped
            process.destroyForcibly();
            return null;
        } catch (ExecutionException | CancellationException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    void awaitEnd() throws InterruptedException {
        OtherProcess.awaitEnd(process);
    }
}
