package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.dockerjava.transport.DockerHttpClient.Request;
import dev.rollout.agent.rollout.ContainerEngine.Command;
import dev.rollout.agent.rollout.ContainerEngine.Executed;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.EngineUnavailable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Commands in running containers. */
final class Execs {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final Duration TOUCH = Duration.ofSeconds(5);
    private static final int MAX_OUTPUT = 64 * 1024;

    private final DockerApi api;

    Execs(DockerApi api) {
        this.api = api;
    }

    /** By the container's own touch, which reaches mounts too; without one, by the Engine's archive call. */
    void touch(String id, String path) {
        try {
            if (run(id, Command.of(List.of("touch", path)), TOUCH).exitCode().equals(Optional.of(0))) {
                return;
            }
        } catch (EngineRefused e) {
            // no such command in this image
        }
        api.put("/containers/" + id + "/archive?path=%2F", Tar.of(new MountsJson.CopiedFile(path, "", 0644, 0, 0)));
    }

    /** Runs a command in a container, for as long as the timeout at most. */
    Executed run(String id, Command command, Duration timeout) {
        ObjectNode create = NODES.objectNode().put("AttachStdout", true).put("AttachStderr", true);
        command.words().forEach(create.withArray("Cmd")::add);
        command.environment().forEach(create.withArray("Env")::add);
        if (command.user() != null) {
            create.put("User", command.user());
        }
        if (command.workingDir() != null) {
            create.put("WorkingDir", command.workingDir());
        }
        create.put("Privileged", command.privileged());
        String exec;
        try {
            exec = api.post("/containers/" + id + "/exec", create).path("Id").asText();
        } catch (EngineRefused e) {
            return new Executed(Optional.of(126), String.valueOf(e.getMessage()));
        }
        FutureTask<String> output = new FutureTask<>(() -> {
            StringBuilder text = new StringBuilder();
            ObjectNode start = NODES.objectNode().put("Detach", false).put("Tty", false);
            api.stream(
                    Request.Method.POST,
                    "/exec/" + exec + "/start",
                    start,
                    Map.of(),
                    body -> text.append(new String(DockerApi.frames(body, MAX_OUTPUT), StandardCharsets.UTF_8)));
            return text.toString();
        });
        Thread reader = Thread.ofVirtual().name("docker-exec").start(output);
        try {
            String text = output.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            JsonNode ended = api.get("/exec/" + exec + "/json");
            return new Executed(Optional.of(ended.path("ExitCode").asInt(-1)), text.strip());
        } catch (TimeoutException e) {
            reader.interrupt();
            return new Executed(Optional.empty(), "");
        } catch (ExecutionException e) {
            return new Executed(
                    Optional.of(126),
                    String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()));
        } catch (InterruptedException e) {
            reader.interrupt();
            Thread.currentThread().interrupt();
            throw new EngineUnavailable("interrupted", e);
        }
    }
}
