package dev.rollout.agent.gateway;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Version;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway: a process of its own, so that traffic flows while the agent is away. It is told what to do on a unix
 * socket: {@code PUT /v1/routes/PROJECT/SERVICE}, {@code GET /v1/routes}, {@code POST /v1/stop}.
 */
public final class GatewayProcess {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayProcess.class);
    private static final int ALREADY = 75;

    private final Folders folders;
    private final Vertx vertx;
    private final Router router;
    private final CountDownLatch stop = new CountDownLatch(1);

    /** Runs until it is told to stop. The exit code. */
    public static int run(Folders folders) {
        try {
            Files.createDirectories(folders.state());
            try (FileChannel file = FileChannel.open(
                            folders.state().resolve("gateway.lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
                    FileLock lock = file.tryLock()) {
                if (lock == null) {
                    LOG.error("another gateway uses {}", folders.state());
                    return ALREADY;
                }
                new GatewayProcess(folders).live();
                return 0;
            }
        } catch (Exception e) {
            LOG.error("the gateway ends", e);
            return 1;
        }
    }

    private GatewayProcess(Folders folders) {
        this.folders = folders;
        int loops = Math.max(1, Runtime.getRuntime().availableProcessors());
        vertx = Vertx.vertx(new VertxOptions()
                .setEventLoopPoolSize(loops + 1) // one for the control socket
                .setWorkerPoolSize(2)
                .setInternalBlockingPoolSize(2)
                .setPreferNativeTransport(true)
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
        Path state = folders.state();
        router = new Router(
                vertx,
                new RouteFile(folders),
                new Redirect(Integer.toHexString(state.toString().hashCode())),
                loops);
    }

    private void live() throws Exception {
        router.restore();
        Files.createDirectories(folders.runtime());
        Path socket = folders.gatewaySocket();
        Files.deleteIfExists(socket);
        vertx.createHttpServer()
                .requestHandler(request -> request.body()
                        .onSuccess(body -> Thread.ofVirtual().name("control").start(() -> control(request, body))))
                .listen(SocketAddress.domainSocketAddress(socket.toString()))
                .toCompletionStage()
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
        LOG.info("gateway {} listens on {}, transport {}", Version.TEXT, socket, vertx.isNativeTransportEnabled());
        Runtime.getRuntime().addShutdownHook(new Thread(stop::countDown, "stop"));
        stop.await();
        router.close();
        Files.deleteIfExists(socket);
        LOG.info("stopped");
        Runtime.getRuntime().halt(0);
    }

    private void control(HttpServerRequest request, Buffer body) {
        try {
            String[] path = request.path().split("/");
            if (request.method() == HttpMethod.GET && request.path().equals("/v1/routes")) {
                send(request, 200, describe());
            } else if (request.method() == HttpMethod.PUT && path.length == 5 && path[2].equals("routes")) {
                List<Route> routes = Json.MAPPER.readValue(body.getBytes(), new TypeReference<List<Route>>() {});
                router.put(path[3], path[4], routes);
                send(request, 200, describe());
            } else if (request.method() == HttpMethod.POST && request.path().equals("/v1/stop")) {
                send(request, 202, describe());
                stop.countDown();
            } else {
                send(request, 404, Map.of("title", "there is no " + request.uri()));
            }
        } catch (IOException e) {
            send(request, 409, Map.of("title", String.valueOf(e.getMessage())));
        } catch (RuntimeException e) {
            LOG.error("{} {} failed", request.method(), request.uri(), e);
            send(request, 500, Map.of("title", e.toString()));
        }
    }

    private Map<String, Object> describe() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("pid", ProcessHandle.current().pid());
        all.put("version", Version.TEXT);
        all.put("routes", router.status());
        return all;
    }

    private static void send(HttpServerRequest request, int status, Object body) {
        request.response()
                .setStatusCode(status)
                .putHeader("Content-Type", "application/json")
                .end(Json.text(body));
    }
}
