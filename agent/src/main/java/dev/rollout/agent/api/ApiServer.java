package dev.rollout.agent.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.EngineUnavailable;
import dev.rollout.agent.rollout.JournalFull;
import dev.rollout.agent.rollout.Refused;
import dev.rollout.agent.rollout.ServiceBusy;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent's HTTP API on its unix socket. Handlers run on virtual threads: they may wait. */
public final class ApiServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);
    private static final int MAX_BODY = 16 << 20;
    private static final int MAX_SOCKET_PATH = 107;
    /** The longest name that is given to a socket here. */
    private static final String LONGEST = "/gateway-4194304.sock";

    private final Vertx vertx;
    private final Router router;
    private final Path socket;
    private int listening;

    /** @throws IOException where the socket cannot be made */
    public ApiServer(Folders folders, Resource resource) throws IOException {
        socket = folders.socket();
        if ((folders.runtime() + LONGEST).getBytes(StandardCharsets.UTF_8).length > MAX_SOCKET_PATH) {
            throw new IOException("the socket's path is longer than a unix socket allows: " + socket
                    + "; set ROLLOUT_RUNTIME_DIR to a shorter folder");
        }
        vertx = Vertx.vertx(new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(1)
                .setInternalBlockingPoolSize(1)
                .setPreferNativeTransport(true)
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
        if (!vertx.isNativeTransportEnabled()) {
            LOG.warn("no native transport: {}", String.valueOf(vertx.unavailableNativeTransportCause()));
        }
        router = Router.router(vertx);
        router.route().handler(context -> {
            if (Peer.of(context).allowed(folders)) {
                context.next();
            } else {
                send(context, 403, Map.of("title", "this user may not speak to the agent", "exit", 77));
            }
        });
        router.route().handler(BodyHandler.create(false).setBodyLimit(MAX_BODY));
        resource.routes().forEach((route, handler) -> {
            String[] words = route.split(" ", 2);
            router.route(HttpMethod.valueOf(words[0]), words[1])
                    .handler(context -> Thread.ofVirtual().name("api").start(() -> answer(context, handler)));
        });
        router.route()
                .last()
                .handler(context -> send(
                        context,
                        404,
                        Map.of("title", "there is no " + context.request().uri(), "exit", 2)));
        listen();
    }

    /**
     * Answers at the socket, in the place of whoever did. By a name of its own each time: a second server of the same name
     * is to Vert.x a share in the first, whose file is gone.
     *
     * @throws IOException where the socket cannot be made
     */
    public void listen() throws IOException {
        Path born = Files.createDirectories(socket.getParent())
                .resolve("agent." + ProcessHandle.current().pid() + "." + listening++);
        Files.deleteIfExists(born);
        try {
            vertx.createHttpServer()
                    .requestHandler(router)
                    .listen(SocketAddress.domainSocketAddress(born.toString()))
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(10, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IOException("cannot listen on " + socket + ": " + e.getMessage(), e);
        }
        Files.setPosixFilePermissions(born, PosixFilePermissions.fromString("rw-rw----"));
        Files.move(born, socket, StandardCopyOption.ATOMIC_MOVE); // whoever sees it may use it
    }

    /** Whether it is still to be found: what lies in a folder for running programs may be cleaned away. */
    public boolean isThere() {
        return Files.exists(socket);
    }

    /** What a route does. */
    @FunctionalInterface
    interface Handler {
        void handle(RoutingContext context) throws Exception;
    }

    private static void answer(RoutingContext context, Handler handler) {
        try {
            handler.handle(context);
        } catch (ServiceBusy e) {
            problem(context, 409, e, 4);
        } catch (Refused e) {
            problem(context, 422, e, e.why() == Refused.Why.USAGE ? 2 : 1);
        } catch (EngineUnavailable e) {
            problem(context, 503, new IOException("the Docker Engine cannot be reached: " + e.getMessage()), 69);
        } catch (EngineRefused e) {
            problem(context, 422, e, 1);
        } catch (JournalFull e) {
            problem(context, 507, e, 1);
        } catch (IllegalArgumentException | IOException e) {
            problem(context, 400, e, 2);
        } catch (Exception e) {
            LOG.error(
                    "{} {} failed",
                    context.request().method(),
                    context.request().uri(),
                    e);
            problem(context, 500, e, 1);
        }
    }

    private static void problem(RoutingContext context, int status, Exception e, int exit) {
        if (context.response().headWritten()) {
            context.response().end();
            return;
        }
        Map<String, Object> problem = new LinkedHashMap<>();
        problem.put("type", "about:blank");
        problem.put("status", status);
        problem.put("title", String.valueOf(e.getMessage()));
        problem.put("exit", exit);
        if (e instanceof ServiceBusy busy && !busy.rollout().isEmpty()) {
            problem.put("rollout", busy.rollout());
        }
        send(context, status, problem);
    }

    static void send(RoutingContext context, int status, Object body) {
        String json = Json.text(body);
        context.response()
                .setStatusCode(status)
                .putHeader("Content-Type", status >= 400 ? "application/problem+json" : "application/json")
                .end(Buffer.buffer(json));
    }

    /** The request's body as JSON. @throws IOException where it is none */
    static JsonNode body(RoutingContext context) throws IOException {
        Buffer buffer = context.body().buffer();
        if (buffer == null) {
            throw new IOException("the request has no body");
        }
        return Json.MAPPER.readTree(buffer.getBytes());
    }

    @Override
    public void close() {
        try {
            vertx.close().toCompletionStage().toCompletableFuture().get(2, TimeUnit.SECONDS);
            Files.deleteIfExists(socket);
        } catch (Exception e) {
            LOG.debug("closing: {}", e.toString());
        }
    }
}
