package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A gateway's control socket, from outside. */
final class Control {
    private final UnixHttp http;

    Control(Path socket) {
        this.http = new UnixHttp(socket);
    }

    /**
     * @throws EngineRefused where the gateway does not do it
     * @throws IOException where no gateway answers
     */
    JsonNode ask(String method, String path, @Nullable Object body) throws IOException {
        try (UnixHttp.Answer answer = http.send(method, path, body, "")) {
            JsonNode node = Json.MAPPER.readTree(answer.body().readAllBytes());
            if (answer.status() >= 400) {
                throw new EngineRefused(
                        answer.status(), "the gateway: " + node.path("title").asText());
            }
            return node;
        }
    }

    /** Returns when the gateway that answers now has ended, whatever it died of; at once where none answers. */
    void awaitEnd() throws InterruptedException {
        http.awaitEnd();
    }
}
