package dev.rollout.agent;

import dev.rollout.agent.api.Api;
import dev.rollout.agent.api.ApiServer;
import dev.rollout.agent.engine.docker.DockerEngine;
import dev.rollout.agent.gateway.GatewaySwitch;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Version;
import dev.rollout.agent.probe.Prober;
import dev.rollout.agent.role.SharedRoles;
import dev.rollout.agent.rollout.Ports;
import dev.rollout.agent.rollout.Rollouts;
import dev.rollout.agent.store.SqliteJournal;
import dev.rollout.agent.time.Waiter;
import dev.rollout.agent.wire.DockerHost;
import dev.rollout.agent.wire.LogFile;
import dev.rollout.agent.wire.OneProcess;
import dev.rollout.agent.wire.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent: the graph of its parts, and their life. One agent a state folder. */
final class AgentProcess implements Api.Host {
    private static final Logger LOG = LoggerFactory.getLogger(AgentProcess.class);
    private static final int UNREACHABLE = 69;
    private static final long LIVE_EVERY = 5;
    private static final long CLOSE_SECONDS = 5;
    private static final long HALT_MILLIS = 200;
    private static final long PRUNE_EVERY = 60;
    private static final FileAttribute<?> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    /** What is made in such a folder is its group's. */
    private static final int SHARED = 02755;

    private final Folders folders;
    private final SqliteJournal journal;
    private final DockerHost host;
    private final DockerEngine engine;
    private final SharedRoles roles;
    private final GatewaySwitch traffic;
    private final Rollouts rollouts;
    private final String id;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Runs until it is told to stop. The exit code. */
    static int run(Folders folders) {
        Session.goBehind();
        try {
            return OneProcess.run(folders.state(), "agent", () -> new AgentProcess(folders).live());
        } catch (IOException | IllegalArgumentException e) {
            LOG.error("the agent cannot start: {}", e.getMessage());
            return UNREACHABLE;
        } catch (Exception e) {
            LOG.error("the agent ends", e);
            return 1;
        }
    }

    private AgentProcess(Folders folders) throws IOException {
        this.folders = folders;
        Files.setPosixFilePermissions(folders.state(), PosixFilePermissions.fromString("rwxr-x--x"));
        journal = new SqliteJournal(folders.state(), InstantSource.system());
        id = journal.meta("agent", () -> UUID.randomUUID().toString());
        host = DockerHost.find(System.getenv());
        engine = new DockerEngine(host.uri(), System.getenv());
        roles = new SharedRoles(folders.shm(), folders.state(), id, engine::isolation);
        traffic = new GatewaySwitch(folders);
        engine.onChange(
                (key, container) -> traffic.follow(key, container, engine::find),
                () -> traffic.followAll(engine::find));
        Waiter waiter = Waiter.real();
        rollouts = new Rollouts(
                new Ports(
                        engine,
                        roles,
                        new Prober(engine, roles, waiter),
                        traffic,
                        journal,
                        waiter,
                        InstantSource.system()),
                id);
    }

    private int live() throws Exception {
        roles.recover();
        openToGroup();
        try (ApiServer server = new ApiServer(folders, new Api(rollouts, journal, this))) {
            Runtime.getRuntime().addShutdownHook(new Thread(this::terminated, "stop"));
            rollouts.resume();
            LOG.info("rollout {} listens on {}", Version.TEXT, folders.socket());
            for (long second = 1; !stop.await(1, TimeUnit.SECONDS); second++) {
                if (!server.isThere()) {
                    comeBack(server);
                }
                if (second % LIVE_EVERY == 0) {
                    roles.live();
                }
                if (second % PRUNE_EVERY == 0) {
                    roles.prune();
                    keepLogsSmall();
                }
            }
            rollouts.close();
            traffic.close();
        } finally {
            ended.countDown();
        }
        // a rollout in progress is left as a crash would leave it: the next agent resumes it from the journal
        LOG.info("stopped");
        Runtime.getRuntime().halt(0);
        return 0;
    }

    private void comeBack(ApiServer server) {
        try {
            openToGroup();
            server.listen();
            LOG.warn("{} was removed: made again", folders.socket());
        } catch (IOException e) {
            LOG.warn("{} was removed, and cannot be made again yet: {}", folders.socket(), e.toString());
        }
    }

    private void keepLogsSmall() {
        for (Path log : List.of(folders.log(), folders.gatewayLog())) {
            try {
                new LogFile(log, LogFile.MOST).keepSmall();
            } catch (IOException e) {
                LOG.warn("{} grows: {}", log, e.toString());
            }
        }
    }

    /** By a signal, as systemd does it: the process ends when this returns, or before, when all is closed. */
    private void terminated() {
        stop.countDown();
        try {
            ended.await(CLOSE_SECONDS, TimeUnit.SECONDS);
            Thread.sleep(HALT_MILLIS); // by itself
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Whoever may speak to the Engine is root already in all but name: root's agent lets that group in, by the folder of the
     * sockets, so that a host has one agent and not one for each user. A user's own lets in nobody: the gateway asks nobody
     * who it is, and others may be of the user's group.
     */
    private void openToGroup() throws IOException {
        if (!Folders.byRoot() && !Files.exists(folders.runtime())) { // one that was there is somebody's choice
            Files.createDirectories(folders.runtime(), PRIVATE);
        }
        OptionalInt group = host.group();
        if (Folders.byRoot() && group.isPresent()) {
            Path runtime = Files.createDirectories(folders.runtime());
            Files.setAttribute(runtime, "unix:gid", group.getAsInt());
            Files.setAttribute(runtime, "unix:mode", SHARED);
            Path engine = Files.writeString(folders.engine(), host.uri().toString());
            Files.setPosixFilePermissions(engine, PosixFilePermissions.fromString("rw-r-----"));
        }
    }

    @Override
    public Map<String, Object> describe() {
        Map<String, Object> agent = new LinkedHashMap<>();
        agent.put("pid", ProcessHandle.current().pid());
        agent.put("socket", folders.socket().toString());
        agent.put("version", Version.TEXT);
        agent.put("state", folders.state().toString());
        agent.put("runtime", folders.runtime().toString());
        agent.put("shm", folders.shm().toString());
        agent.put("engine", host.uri().toString());
        agent.put("log", folders.log().toString());
        agent.put("id", id);
        agent.put("inProgress", rollouts.inProgress());
        return agent;
    }

    @Override
    public List<String> prune(Optional<ServiceKey> key) {
        List<String> removed = new ArrayList<>();
        for (String parked : engine.parked()) {
            if (key.isEmpty() || key.get().toString().equals(parked)) {
                String[] parts = parked.split("/", 2);
                ServiceKey service = new ServiceKey(parts[0], parts[1]);
                engine.unpark(service);
                engine.keepImages(service);
                removed.add("removed the kept previous version of " + parked);
            }
        }
        return removed;
    }

    @Override
    public List<String> doctor() {
        List<String> checks = new ArrayList<>();
        checks.add("ok   agent " + Version.TEXT + ", pid "
                + ProcessHandle.current().pid());
        try {
            checks.add("ok   " + engine.describe());
            if (engine.isolation().ownNetwork()) {
                checks.add(
                        "note this Engine is rootless: bots and workers roll, and what a command tells to be ready; ports cannot"
                                + " be led start-first, nor instances be asked by http and tcp");
            }
        } catch (RuntimeException e) {
            checks.add("bad  the Docker Engine cannot be reached: " + e.getMessage());
        }
        checks.add(
                journal.nearlyFull()
                        ? "bad  the state folder " + folders.state() + " is full: free some space"
                        : "ok   state folder " + folders.state());
        checks.add(shm());
        checks.add(unit());
        roles.alarms().forEach(alarm -> checks.add("bad  " + alarm));
        traffic.alarm().ifPresent(alarm -> checks.add("note " + alarm));
        return checks;
    }

    private static String unit() {
        try {
            if (Files.readString(Path.of("/proc/self/cgroup")).lines().anyMatch(line -> line.endsWith(".service"))) {
                return "ok   a unit of systemd";
            }
        } catch (IOException e) {
            LOG.debug("no cgroups: {}", e.toString());
        }
        return "note nothing starts this agent with the host: after a reboot, ports that the gateway leads stay closed until an"
                + " agent is started; scripts/install as root makes a unit of systemd, or let cron do it:"
                + " @reboot rollout agent start";
    }

    private String shm() {
        try {
            Files.createDirectories(folders.shm());
            String type = Files.getFileStore(folders.shm()).type();
            return type.equals("tmpfs")
                    ? "ok   shared memory " + folders.shm()
                    : "bad  " + folders.shm() + " is on " + type
                            + ", not on tmpfs: claims would be slow; set ROLLOUT_SHM_DIR";
        } catch (IOException e) {
            return "bad  " + folders.shm() + " cannot be used: " + e.getMessage();
        }
    }

    @Override
    public void logs(String container, String tail, boolean follow, Consumer<byte[]> taker) {
        engine.logs(container, tail, follow, taker);
    }

    @Override
    public void stop() {
        stop.countDown();
    }

    @Override
    public long news() {
        return journal.news();
    }

    @Override
    public void awaitNews(long since, long millis) throws InterruptedException {
        journal.awaitNews(since, millis);
    }
}
