package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.wire.DockerHost;
import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The agent's API as the command line needs it. */
final class AgentSocket {
    private final Folders folders;
    private final UnixHttp http;

    AgentSocket(Folders folders) {
        this.folders = folders;
        this.http = new UnixHttp(folders.socket());
    }

    /** True where an agent answers. */
    boolean answers() {
        try {
            get("/healthz");
            return true;
        } catch (CliException e) {
            if (e.exit() == Exit.NOT_ALLOWED) {
                throw e;
            }
            return false;
        }
    }

    /** True where the agent's Engine is that one; an agent of before this was asked has the one that it was started with. */
    boolean speaksTo(DockerHost engine) {
        String its = get("/v1/agent").path("engine").asText("");
        return its.isEmpty() || DockerHost.of(its).same(engine);
    }

    JsonNode get(String path) {
        return call("GET", path, null);
    }

    JsonNode post(String path, Object body) {
        return call("POST", path, body);
    }

    JsonNode delete(String path) {
        return call("DELETE", path, null);
    }

    private JsonNode call(String method, String path, @Nullable Object body) {
        try (UnixHttp.Answer answer = http.send(method, path, body, "")) {
            byte[] bytes = answer.body().readAllBytes();
            if (answer.status() >= 400) {
                throw problem(bytes);
            }
            return Json.MAPPER.readTree(bytes);
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Hands a body to the taker as it comes. */
    void raw(String path, java.io.OutputStream out) {
        try (UnixHttp.Answer answer = http.send("GET", path, null, "")) {
            if (answer.status() >= 400) {
                throw problem(answer.body().readAllBytes());
            }
            byte[] chunk = new byte[8192];
            for (int read = answer.body().read(chunk);
                    read >= 0;
                    read = answer.body().read(chunk)) {
                out.write(chunk, 0, read);
                out.flush();
            }
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /**
     * Follows server-sent events until the taker has enough, or the stream ends.
     *
     * @param after the last event's id that was seen
     * @return false where the stream ended before the taker had enough
     */
    boolean events(String path, long after, Predicate<JsonNode> taker) throws IOException {
        try (UnixHttp.Answer answer = http.send("GET", path, null, "Last-Event-ID: " + after + "\r\n")) {
            if (answer.status() >= 400) {
                throw problem(answer.body().readAllBytes());
            }
            for (String line = UnixHttp.line(answer.body()); line != null; line = UnixHttp.line(answer.body())) {
                if (line.startsWith("data: ") && taker.test(Json.MAPPER.readTree(line.substring(6)))) {
                    return true;
                }
            }
            return false;
        }
    }

    private static CliException problem(byte[] bytes) throws IOException {
        JsonNode problem = Json.MAPPER.readTree(bytes);
        return new CliException(
                problem.path("exit").asInt(Exit.FAILED), problem.path("title").asText("the agent refused"));
    }

    private CliException unreachable(IOException e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("Permission denied")) {
            return new CliException(
                    Exit.NOT_ALLOWED,
                    "you may not speak to the agent at " + folders.socket() + ": ask for its group, or use sudo");
        }
        return new CliException(
                Exit.UNREACHABLE,
                "no agent answers at " + folders.socket() + " (" + message + "); 'rollout agent start' starts one");
    }
}
