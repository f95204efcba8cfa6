package dev.rollout.agent.gateway;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Version;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.wire.DockerHost;
import dev.rollout.agent.wire.OneProcess;
import dev.rollout.agent.wire.OtherProcess;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway: a process of its own, so that traffic flows while the agent is away. It is told what to do on a unix
 * socket: {@code PUT /v1/routes/PROJECT/SERVICE}, {@code GET /v1/routes}, {@code GET /metrics}, {@code POST /v1/stop}.
 *
 * <p>Another one takes over by {@code POST /v1/heir} (this one comes back where the heir dies) and, when new connections
 * are the heir's, {@code POST /v1/retire}: this one keeps what it has begun. At {@code POST /v1/end} the control socket is
 * the heir's, too, and this one ends with its last connection, telling the heir what it has counted
 * ({@code POST /v1/left}). From the first of these on it takes changes from the heir alone: one that it took for itself
 * would be lost with it.
 *
 * <p>One that has had nothing to lead for ten minutes ({@code ROLLOUT_GATEWAY_IDLE}) ends: it would hold 90 MB.
 */
public final class GatewayProcess {
    private static final Logger LOG = LoggerFactory.getLogger(GatewayProcess.class);
    private static final String KIND = "gateway";
    private static final String HEIR = "gateway-heir";
    /** How long connections that began here may go on where new ones are another's. */
    static final long RETIRE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private static final long RETIRE_LOOK_MILLIS = 50;
    /** For the last words to those that are cut. */
    private static final long CUT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How long the end of an heir may take to be seen. */
    private static final long HEIR_DEATH_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** What a change is answered with while another gateway takes over. */
    static final int BUSY = 503;

    private static final int ADMIT_EVERY = 5;

    private final Folders folders;
    private final Path retired;
    private final Vertx vertx;
    private final Router router;
    private final int loops;
    private final CountDownLatch stop = new CountDownLatch(1);
    private volatile boolean retiring;
    private volatile long heir; // its pid
    private volatile boolean ending;
    private final Duration idle;
    private boolean answersBeside;
    private int answered;
    private volatile @Nullable OneProcess only; // held for as long as this process lives

    /** Runs until it is told to stop. The exit code. */
    public static int run(Folders folders) {
        return guarded(() -> OneProcess.run(folders.state(), KIND, () -> new GatewayProcess(folders).live()));
    }

    /** Runs in the place of the gateway that runs now: not one connection is refused or reset. The exit code. */
    public static int takeOver(Folders folders) {
        return guarded(() -> {
            Optional<OneProcess> heir = OneProcess.take(folders.state(), HEIR);
            if (heir.isEmpty()) {
                LOG.error("another gateway is just taking over in {}", folders.state());
                return OneProcess.ALREADY;
            }
            return new GatewayProcess(folders).inherit(heir.get());
        });
    }

    private static int guarded(OneProcess.Life life) {
        try {
            return life.live();
        } catch (Exception e) {
            LOG.error("the gateway ends", e);
            Runtime.getRuntime().halt(1); // its loops would keep it alive, with ports that nobody looks after
            return 1;
        }
    }

    private GatewayProcess(Folders folders) {
        this.folders = folders;
        this.retired =
                folders.runtime().resolve("gateway-" + ProcessHandle.current().pid() + ".sock");
        idle = Durations.parse(System.getenv().getOrDefault("ROLLOUT_GATEWAY_IDLE", "10m"));
        int processors = Runtime.getRuntime().availableProcessors();
        vertx = NativeTransport.vertx(new VertxOptions()
                .setEventLoopPoolSize(processors + 1) // one for the control socket
                .setWorkerPoolSize(2)
                .setInternalBlockingPoolSize(2)
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
        loops = vertx.isNativeTransportEnabled() ? processors : 1; // without it, loops cannot share a port
        String chain =
                "ROLLOUT-" + Integer.toHexString(folders.state().toString().hashCode());
        router = new Router(vertx, new RouteFile(folders), new Redirect(chain), new Admittance(chain), loops);
    }

    private int live() throws Exception {
        if (!router.restore()) {
            new WarmUp(vertx, loops).run(); // nobody waits for it yet but the agent
        }
        Files.createDirectories(folders.runtime());
        answer();
        return untilStopped();
    }

    private int inherit(OneProcess heir) throws Exception {
        Elder elder = new Elder(folders.gatewaySocket());
        new WarmUp(vertx, loops).run();
        elder.announce();
        router.takeOver();
        elder.retire();
        router.succeed(elder);
        answer();
        elder.end();
        LOG.info("took over from pid {}", elder.pid());
        Thread.ofVirtual().name("elder").start(() -> alone(elder, heir));
        return untilStopped();
    }

    /** The other is gone, and its lock is free; with that in hand the next one may take over from this one. */
    private void alone(Elder elder, OneProcess heir) {
        try (heir) {
            elder.awaitEnd();
            router.alone();
            only = OneProcess.take(folders.state(), KIND).orElse(null);
            if (only == null) {
                LOG.error("another gateway has come between: going on beside it");
            }
        } catch (IOException | InterruptedException e) {
            LOG.error("the lock of the gateway cannot be had", e);
        }
    }

    /** Not while another gateway takes over: that one asks, too. */
    private void follow(Change change) {
        try {
            if (!retiring) {
                change(true, change);
            }
        } catch (Busy | IOException e) {
            LOG.warn("containers are led to as before: {}", e.toString());
        }
    }

    private static Optional<Path> engine() {
        try {
            return DockerHost.find(System.getenv()).socket(); // one that is reached by TCP has its containers elsewhere
        } catch (IllegalArgumentException e) {
            LOG.debug("no Engine: {}", e.getMessage());
            return Optional.empty();
        }
    }

    private int untilStopped() throws Exception {
        engine().ifPresent(socket -> new StandIn(
                        folders.socket(), socket, router::addresses, there -> follow(() -> router.follow(there)))
                .start());
        new LifeWatch(router::addresses, container -> follow(() -> router.ended(container))).start();
        Runtime.getRuntime().addShutdownHook(new Thread(this::terminated, "terminated"));
        long busy = System.nanoTime();
        for (int second = 1; !stop.await(1, TimeUnit.SECONDS) && !ending; second++) {
            if (second % ADMIT_EVERY == 0) {
                router.admit();
            }
            synchronized (router) { // a change comes before, or finds no gateway and starts one
                if (heir != 0 || !router.idle()) {
                    busy = System.nanoTime();
                }
                ending = System.nanoTime() - busy > idle.toNanos();
            }
            if (!retiring && Files.isDirectory(folders.runtime()) && !Files.exists(folders.gatewaySocket())) {
                comeBack();
            }
        }
        router.close();
        Files.deleteIfExists(retiring ? retired : folders.gatewaySocket());
        LOG.info("stopped");
        Runtime.getRuntime().halt(0);
        return 0;
    }

    /** Ended by a signal, as systemd does it: nothing may be redirected to nobody. What an heir has redirected is its own. */
    private void terminated() {
        if (!retiring) {
            router.close();
        }
    }

    /**
     * Answers at the gateway's socket, in the place of whoever did. By a name of its own each time: a second server of the
     * same name is to Vert.x a share in the first, whose file is gone.
     */
    private void answer() throws Exception {
        Path beside = folders.gatewaySocket()
                .resolveSibling("gateway." + ProcessHandle.current().pid() + "." + answered++);
        Files.deleteIfExists(beside);
        listen(beside, true);
        Files.move(beside, folders.gatewaySocket(), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The socket was removed; the agent, which does not find it either, has made its folder again. */
    private void comeBack() {
        try {
            answer();
        } catch (Exception e) {
            LOG.warn("{} was removed, and cannot be made again yet: {}", folders.gatewaySocket(), e.toString());
        }
    }

    /** @param forAll whether the agent asks here; else the heir alone does */
    private void listen(Path socket, boolean forAll) throws Exception {
        Listener.get(vertx.createHttpServer()
                .requestHandler(request -> request.body()
                        .onSuccess(
                                body -> Thread.ofVirtual().name("control").start(() -> control(request, body, forAll))))
                .listen(SocketAddress.domainSocketAddress(socket.toString())));
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
        LOG.info("gateway {} listens on {}, transport {}", Version.TEXT, socket, vertx.isNativeTransportEnabled());
    }

    private void control(HttpServerRequest request, Buffer body, boolean forAll) {
        try {
            String[] path = request.path().split("/");
            String asked = request.method() + " " + request.path();
            if (asked.equals("GET /v1/routes")) {
                router.keep();
                send(request, 200, describe());
            } else if (request.method() == HttpMethod.PUT && path.length == 5 && path[2].equals("routes")) {
                List<Route> routes = Json.MAPPER.readValue(body.getBytes(), new TypeReference<List<Route>>() {});
                change(forAll, () -> router.put(path[3], path[4], routes));
                send(request, 200, describe());
            } else if (request.method() == HttpMethod.POST && path.length == 4 && path[2].equals("cut")) {
                int[] cut = new int[1];
                change(forAll, () -> cut[0] = router.cut(path[3]));
                send(request, 200, Map.of("cut", cut[0]));
            } else if (asked.equals("GET /metrics")) {
                request.response().putHeader("Content-Type", Metrics.TYPE).end(Metrics.of(router.status()));
            } else if (asked.equals("POST /v1/stop")) {
                send(request, 202, describe());
                stop.countDown();
            } else if (asked.equals("POST /v1/heir")) {
                heir(Json.MAPPER.readTree(body.getBytes()).path("pid").asLong());
                send(request, 202, describe());
            } else if (asked.equals("POST /v1/end")) {
                send(request, 202, describe());
                Thread.ofVirtual().name("retire").start(this::end);
            } else if (asked.equals("POST /v1/left")) {
                router.left(Json.MAPPER.readTree(body.getBytes()));
                send(request, 202, Map.of());
            } else if (asked.equals("POST /v1/retire")) {
                retire();
                send(request, 202, Map.of("socket", retired.toString()));
            } else {
                send(request, 404, Map.of("title", "there is no " + request.uri()));
            }
        } catch (Busy e) {
            send(request, BUSY, Map.of("title", "the gateway is just being replaced; ask again"));
        } catch (IOException e) {
            send(request, 409, Map.of("title", String.valueOf(e.getMessage())));
        } catch (Exception e) {
            LOG.error("{} {} failed", request.method(), request.uri(), e);
            send(request, 500, Map.of("title", e.toString()));
        }
    }

    private interface Change {
        void make() throws IOException;
    }

    private static final class Busy extends Exception {
        private static final long serialVersionUID = 1;
    }

    /** @throws Busy where an heir is at work that would not hear of it, or this one ends; nothing is changed then */
    private void change(boolean forAll, Change change) throws IOException, Busy {
        synchronized (router) {
            if (ending || forAll && heir != 0) {
                throw new Busy();
            }
            change.make();
        }
    }

    private void heir(long pid) throws IOException {
        ProcessHandle process = ProcessHandle.of(pid).orElseThrow(() -> new IOException("there is no process " + pid));
        synchronized (router) { // a change that came before is in the file that the heir reads
            router.checkSettled();
            heir = pid;
        }
        Thread.ofVirtual().name("heir").start(() -> {
            try {
                OtherProcess.awaitEnd(process);
            } catch (InterruptedException e) {
                return;
            }
            if (heir == pid) { // the end of one that failed may be seen when the next is at work already
                heirDied();
            }
        });
    }

    /** Whatever it had begun: the ports are this one's still, and so are all new connections again. */
    private void heirDied() {
        LOG.warn("the gateway that was taking over is gone: going on");
        router.comeBack();
        heir = 0;
        if (retiring) {
            retiring = false;
            try {
                answer();
            } catch (Exception e) {
                LOG.error("the control socket cannot be had again", e);
            }
        }
    }

    private void retire() throws Exception {
        retiring = true;
        if (!answersBeside) { // else it has come back before
            Files.deleteIfExists(retired);
            listen(retired, false);
            answersBeside = true;
        }
        router.leave();
    }

    private void end() {
        long start = System.nanoTime();
        do {
            Listener.pause(RETIRE_LOOK_MILLIS); // first: somebody may just be asking here
        } while (retiring && router.connections() > 0 && System.nanoTime() - start < RETIRE_NANOS);
        if (!retiring) {
            return;
        }
        int connections = router.connections();
        int cut = router.cutAll();
        LOG.info("retired; {} connections closed, {} of them busy", connections, cut);
        long patience = sayLastWords() ? CUT_NANOS : HEIR_DEATH_NANOS;
        long said = System.nanoTime();
        while (retiring && System.nanoTime() - said < patience) {
            Listener.pause(RETIRE_LOOK_MILLIS);
        }
        if (!retiring) {
            return; // the heir died at these words: this one is the gateway again
        }
        try {
            Files.deleteIfExists(retired);
        } catch (IOException e) {
            LOG.warn("{} stays: {}", retired, e.toString());
        }
        Runtime.getRuntime().halt(0);
    }

    /** What was counted here is counted on by the heir. Whether it has heard of it. */
    private boolean sayLastWords() {
        try {
            new Control(folders.gatewaySocket()).ask("POST", "/v1/left", describe());
            return true;
        } catch (IOException | EngineRefused e) {
            LOG.warn("the heir does not hear what was counted here: {}", e.getMessage());
            return false;
        }
    }

    private Map<String, Object> describe() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("pid", ProcessHandle.current().pid());
        all.put("version", Version.TEXT);
        all.put("elder", router.elder());
        all.put("heir", heir);
        all.put("firewall", router.firewall());
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
