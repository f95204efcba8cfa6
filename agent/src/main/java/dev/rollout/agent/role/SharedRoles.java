package dev.rollout.agent.role;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Handover;
import dev.rollout.agent.model.Isolation;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.rollout.ContainerEngine;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.RoleKeeper;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.RoleFile;
import dev.rollout.contract.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Roles in the files of EVENT_LOCK.md: a folder per service on shared memory with the claims database, and the durable
 * role.json in the state folder, mounted beside it read-only.
 *
 * <p>role.json is written first, always: after a crash between the two, the row is brought up to the file.
 */
public final class SharedRoles implements RoleKeeper, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SharedRoles.class);
    /** A number of our own, so that no group of the host has to be made for it. */
    private static final int GROUP = 28770;

    /** To containers whose root is another user here. */
    private static final Set<PosixFilePermission> PASSABLE = PosixFilePermissions.fromString("rwxr-xr-x");

    private static final Duration LEASE = Duration.ofSeconds(15);
    private static final double ALARM = 0.8;

    private final Path shm;
    private final Path state;
    private final String host;
    private final Supplier<Isolation> isolation;
    private final Map<ServiceKey, Open> open = new ConcurrentHashMap<>();

    /** One service's database, and which file it is: another may have been put into its place. */
    private record Open(ClaimsDatabase database, Object fileKey) {}

    /**
     * @param shm the folder on shared memory
     * @param state the agent's durable folder
     * @param host names this agent among those whose instances share a store of claims
     * @param isolation of the containers from this host
     */
    public SharedRoles(Path shm, Path state, String host, Supplier<Isolation> isolation) {
        this.shm = shm;
        this.state = state.resolve("roles");
        this.host = host;
        this.isolation = isolation;
    }

    @Override
    public synchronized ContainerEngine.Injection prepare(
            ServiceKey key, Handover handover, String instance, long generation, boolean standby) {
        try {
            Path folder = shared(key);
            Path durable = durable(key);
            if (!Files.exists(shm)) { // one that was there is not this agent's alone
                Files.setPosixFilePermissions(Files.createDirectories(shm), PASSABLE);
            }
            Files.createDirectories(folder.resolve("state"));
            Files.createDirectories(durable);
            database(key, handover.mode()).window(handover.window().toMillis());
            for (Path passed : List.of(folder.getParent(), state, durable.getParent(), durable)) {
                Files.setPosixFilePermissions(passed, PASSABLE); // whatever the umask
            }
            Isolation containers = isolation.get();
            give(durable, containers);
            share(folder, durable);
            int group = containers.inside((Integer) Files.getAttribute(folder, "unix:gid"));
            Map<String, String> environment = new LinkedHashMap<>();
            environment.put("ROLLOUT_DIR", INSIDE);
            environment.put("ROLLOUT_GENERATION", Long.toString(generation));
            environment.put("ROLLOUT_HOST", host);
            environment.put("ROLLOUT_INSTANCE", instance);
            environment.put("ROLLOUT_PROJECT", key.project());
            environment.put("ROLLOUT_SERVICE", key.service());
            if (standby) {
                environment.put(
                        "ROLLOUT_STANDBY_SINCE", Long.toString(Instant.now().getEpochSecond()));
            }
            return new ContainerEngine.Injection(
                    environment,
                    List.of(folder + ":" + INSIDE + ":rw,z", durable + ":" + INSIDE + "/state:ro,z"), // z: for SELinux
                    List.of(Integer.toString(group)));
        } catch (IOException | SQLException e) {
            throw new EngineRefused(
                    0,
                    "the folder for roles and claims of " + key + " cannot be made under " + shm + ": "
                            + e.getMessage());
        }
    }

    /**
     * Any user in any image may work in it: setgid folder, group-writable files, and the group for the container. Who that is
     * on the host, the durable folder has as its owner and its group, since that outlives a reboot.
     */
    private static void share(Path folder, Path durable) throws IOException {
        boolean given = Folders.byRoot()
                && Files.exists(durable)
                && (Integer) Files.getAttribute(durable, "unix:gid") != 0; // by this agent, and by no earlier one
        List<Path> shared = new ArrayList<>(List.of(folder));
        try (var files = Files.list(folder)) {
            files.filter(Files::isRegularFile).forEach(shared::add);
        }
        for (Path one : shared) {
            try {
                if (given) {
                    Files.setAttribute(one, "unix:uid", Files.getAttribute(durable, "unix:uid"));
                    Files.setAttribute(one, "unix:gid", Files.getAttribute(durable, "unix:gid"));
                }
                Files.setAttribute(one, "unix:mode", one.equals(folder) ? 02770 : 0660);
            } catch (NoSuchFileException e) {
                LOG.debug("{} is gone", one); // an instance's rollback journal: it is there for a transaction
            }
        }
    }

    private static void give(Path durable, Isolation containers) throws IOException {
        if (Folders.byRoot()) {
            Files.setAttribute(durable, "unix:uid", containers.uid());
            Files.setAttribute(durable, "unix:gid", containers.gid() + GROUP);
        }
    }

    @Override
    public String folder(ServiceKey key) {
        return shared(key).toString();
    }

    /** Whoever names a folder of their own looks after it. */
    @Override
    public Optional<String> refusal() {
        Isolation containers = isolation.get();
        if (!Folders.byRoot() && !containers.equals(Isolation.NONE) && !containers.ownNetwork()) {
            return Optional.of(
                    "this Engine's containers have users of their own (userns-remap), and only root's agent can let"
                            + " them at their claims: 'scripts/install' as root");
        }
        return shm.equals(Folders.of(Map.of()).shm()) ? Logout.takes(shm) : Optional.empty();
    }

    private Path shared(ServiceKey key) {
        return shm.resolve(key.project()).resolve(key.service());
    }

    private Path durable(ServiceKey key) {
        return state.resolve(key.project()).resolve(key.service());
    }

    private ClaimsDatabase database(ServiceKey key, Mode mode) throws SQLException, IOException {
        Open there = open.get(key);
        Path file = shared(key).resolve(ClaimsDatabase.NAME);
        boolean anew = !Files.exists(file);
        if (there != null && !anew && there.fileKey().equals(fileKey(file))) {
            return there.database();
        }
        if (there != null) {
            there.database().close();
        }
        Files.createDirectories(file.getParent());
        ClaimsDatabase made = ClaimsDatabase.create(file, key.service(), mode);
        open.put(key, new Open(made, fileKey(file)));
        made.agentLives(LEASE.toMillis());
        Path durable = durable(key).resolve(RoleFile.NAME);
        if (made.takePromotion()) {
            new RoleFile(made.scope(), "active").write(durable); // an instance stood in while no agent was there
        }
        var decided = RoleFile.read(durable);
        if (decided.isPresent()) {
            made.decide(decided.get().scope()); // a reboot, or a crash between the file and the row
        }
        if (anew) {
            share(shared(key), durable(key));
        }
        return made;
    }

    private static Object fileKey(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    /** Makes the databases again that a reboot took away, before the instances look for them. */
    public synchronized void recover() {
        if (!Files.isDirectory(state)) {
            return;
        }
        try (var projects = Files.list(state)) {
            for (Path project : projects.toList()) {
                try (var services = Files.list(project)) {
                    for (Path service : services.toList()) {
                        recover(new ServiceKey(
                                project.getFileName().toString(),
                                service.getFileName().toString()));
                    }
                }
            }
        } catch (IOException e) {
            LOG.warn("the role files cannot be listed: {}", e.toString());
        }
    }

    private void recover(ServiceKey key) {
        try {
            var file = RoleFile.read(durable(key).resolve(RoleFile.NAME));
            if (file.isPresent()) {
                database(key, file.get().scope().mode());
                share(shared(key), durable(key));
            }
        } catch (IOException | SQLException e) {
            LOG.warn("the roles of {} cannot be recovered: {}", key, e.toString());
        }
    }

    /** Says that this agent lives, and looks after the logs. Called every few seconds, well within the lease. */
    public synchronized void live() {
        for (Map.Entry<ServiceKey, Open> entry : open.entrySet()) {
            try {
                ClaimsDatabase database = entry.getValue().database();
                database.agentLives(LEASE.toMillis());
                guard(entry.getKey(), database);
            } catch (SQLException | IOException e) {
                LOG.warn("the claims of {} cannot be written: {}", entry.getKey(), e.toString());
            }
        }
    }

    /** A client whose SQLite can corrupt a shared log has joined: every version can share a rollback journal. */
    private ClaimsDatabase guard(ServiceKey key, ClaimsDatabase database) throws SQLException, IOException {
        if (!database.logInDanger()) {
            return database;
        }
        LOG.warn("{}: an instance has a SQLite before 3.51.3: its claims move to a rollback journal", key);
        open.remove(key); // it is closed, even where the move fails
        ClaimsDatabase moved = database.moveToRollbackJournal();
        open.put(key, new Open(moved, fileKey(shared(key).resolve(ClaimsDatabase.NAME))));
        return moved;
    }

    /** Forgets claims that are older than the dedupe window, sooner where they take too much room. */
    public void prune() {
        for (ServiceKey key : open.keySet()) {
            try {
                long window = on(key, ClaimsDatabase::window);
                double fill = on(key, ClaimsDatabase::fill);
                if (fill > ALARM) {
                    LOG.error(
                            "{}: claims take {} % of their room: forgetting sooner than the window says",
                            key, Math.round(fill * 100));
                    window /= 2;
                }
                long shortened = window;
                while (on(key, database -> database.prune(shortened)).more()) {
                    Thread.sleep(1); // the claims of the instances come first
                }
            } catch (EngineRefused e) {
                LOG.warn("the claims of {} cannot be pruned: {}", key, e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /**
     * What instances have noticed, the services whose claims take more than four fifths of their room, and what would take
     * the claims away.
     */
    public List<String> alarms() {
        List<String> alarms = new ArrayList<>();
        Logout.takes(shm).ifPresent(alarms::add);
        for (ServiceKey key : open.keySet()) {
            if (on(key, ClaimsDatabase::fill) > ALARM) {
                alarms.add("claims of " + key + " fill their room in " + folder(key));
            }
            on(key, ClaimsDatabase::alarms)
                    .forEach((instance, words) -> alarms.add(key.project() + "/" + instance + ": " + words));
        }
        return alarms;
    }

    @Override
    public Optional<String> alarm(ServiceKey key, String instance) {
        return Optional.ofNullable(on(key, ClaimsDatabase::alarms).get(instance));
    }

    private interface Reading<T extends @Nullable Object> {
        T with(ClaimsDatabase database) throws SQLException, IOException;
    }

    private synchronized <T extends @Nullable Object> T on(ServiceKey key, Reading<T> reading) {
        try {
            var file = RoleFile.read(durable(key).resolve(RoleFile.NAME));
            Mode mode = file.map(f -> f.scope().mode()).orElse(Mode.BROADCAST);
            return reading.with(database(key, mode));
        } catch (SQLException | IOException e) {
            throw new EngineRefused(0, "the roles of " + key + " cannot be read or written: " + e.getMessage());
        }
    }

    @Override
    public boolean ready(ServiceKey key, String instance) {
        return on(key, database -> guard(key, database).instance(instance))
                .map(ClaimsDatabase.Instance::ready)
                .orElse(false);
    }

    @Override
    public long generation(ServiceKey key) {
        Scope scope = on(key, ClaimsDatabase::scope);
        return Math.max(scope.generation(), scope.minGeneration());
    }

    @Override
    public @Nullable String active(ServiceKey key) {
        return on(key, ClaimsDatabase::scope).active();
    }

    @Override
    public void activate(ServiceKey key, Handover handover, @Nullable String instance, long generation) {
        decide(
                key,
                scope -> new Scope(handover.mode(), instance, generation, scope.minGeneration()),
                instance == null ? "handing over" : "active");
    }

    @Override
    public void fence(ServiceKey key, long minGeneration) {
        decide(key, scope -> new Scope(scope.mode(), scope.active(), scope.generation(), minGeneration), "active");
    }

    private void decide(ServiceKey key, java.util.function.UnaryOperator<Scope> change, String phase) {
        Scope decided = change.apply(on(key, ClaimsDatabase::scope));
        try {
            new RoleFile(decided, phase).write(durable(key).resolve(RoleFile.NAME));
        } catch (IOException e) {
            throw new EngineRefused(0, "role.json of " + key + " cannot be written: " + e.getMessage());
        }
        on(key, database -> {
            database.decide(decided);
            return true;
        });
    }

    @Override
    public void tellToDrain(ServiceKey key, String instance) {
        on(key, database -> {
            database.tellToDrain(instance);
            return true;
        });
    }

    @Override
    public void tellToGoOn(ServiceKey key, String instance) {
        on(key, database -> {
            database.tellToGoOn(instance);
            return true;
        });
    }

    @Override
    public boolean drained(ServiceKey key, String instance) {
        return on(key, database -> database.instance(instance))
                .map(row -> (row.role() == Role.DRAINING || row.role() == Role.STOPPED) && row.inFlight() == 0)
                .orElse(true);
    }

    @Override
    public void forget(ServiceKey key, String instance) {
        on(key, database -> {
            database.forget(instance);
            return true;
        });
    }

    @Override
    public void close() throws SQLException {
        for (Open one : open.values()) {
            one.database().close();
        }
    }
}
