package dev.rollout.agent.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.rollout.agent.wire.OtherProcess;
import dev.rollout.agent.wire.UnixHttp;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** A project of its own, an agent of its own, the real program as processes, the real Engine. Cleans up after itself. */
final class Rig implements AutoCloseable {
    private static final int HANGS_SECONDS = 600;
    private static final int STOP_MILLIS = 30_000;
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final ObjectMapper JSON = new ObjectMapper();
    static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    static final Path TARGET = ROOT.resolve("agent/target");
    static final boolean BY_ROOT = System.getProperty("user.name").equals("root");

    private static final String NOT_KEPT = "com.docker.compose.oneoff=False";

    final Path folder;
    final String project;
    final Map<String, String> environment = new LinkedHashMap<>();
    private boolean ownsAgent = true;

    record Ran(int exit, String out, String err) {
        String all() {
            return "exit " + exit + "\n" + out + "\n" + err;
        }

        /** What it printed, of one that must work. */
        String ok() throws IOException {
            if (exit != 0) {
                throw new IOException(all());
            }
            return out;
        }
    }

    /** A project of its own on another rig's agent. */
    Rig(Rig agent) throws IOException {
        this();
        environment.putAll(agent.environment);
        ownsAgent = false;
    }

    Rig() throws IOException {
        project = "rig" + ProcessHandle.current().pid() + "x" + COUNT.incrementAndGet();
        folder = Files.createTempDirectory("rollout-rig");
        environment.put("ROLLOUT_STATE_DIR", folder.resolve("state").toString());
        environment.put("ROLLOUT_RUNTIME_DIR", folder.resolve("run").toString());
        environment.put("ROLLOUT_SHM_DIR", "/dev/shm/" + project);
        environment.put("DOCKER_CONFIG", folder.resolve("docker").toString());
        Path plugins = Files.createDirectories(folder.resolve("docker/cli-plugins"));
        Files.createSymbolicLink(plugins.resolve("docker-compose"), ROOT.resolve(".tools/docker-compose"));
    }

    /** Writes the Compose file: services in YAML, indented by two. */
    Rig services(String yaml) throws IOException {
        return services(yaml, "");
    }

    /** @param more what the file says beside its services */
    Rig services(String yaml, String more) throws IOException {
        Files.writeString(folder.resolve("compose.yaml"), "name: " + project + "\nservices:\n" + yaml.indent(2) + more);
        return this;
    }

    /** A web server of the given version, on busybox. */
    static String web(String version, String more) {
        return "web:\n  image: rollout-examples/busybox:1\n  command: [\"sh\", \"-c\", \"mkdir -p /tmp/w && echo "
                + version
                + " > /tmp/w/index.html && exec httpd -f -p 8080 -h /tmp/w\"]\n  environment: {VERSION: \"" + version
                + "\"}\n  restart: unless-stopped\n  stop_signal: SIGKILL\n" + more.indent(2)
                + "  x-rollout: {readiness: {http: {path: /index.html, port: 8080}, deadline: 8s}}\n";
    }

    static Path launcher() {
        return Launcher.PATH;
    }

    Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(launcher().toString()));
        command.addAll(List.of(args));
        return process(command);
    }

    /**
     * The program's launcher. Each of its processes has an archive of its classes, and starts in half the time. Made once for
     * each process that the tests run in.
     */
    private static final class Launcher {
        static final String OWN = "rig-" + ProcessHandle.current().pid();
        static final Path PATH = make();

        private static Path make() {
            try {
                Path folder = Files.createTempDirectory("rollout-train");
                Process agent = train(folder, "agent", "agent", "run");
                String name = "train" + OWN;
                String file = write(
                                "yaml",
                                "name: " + name + "\nservices:\n" + web("1", "").indent(2)) + "";
                train(folder, "cli", "up", "-f", file, "web").waitFor();
                end(agent);
                for (String remove : List.of("rm -f " + name + "-web-1", "network rm " + name + "_default")) {
                    new ProcessBuilder(("docker " + remove).split(" ")).start().waitFor();
                }
                end(train(folder, "gateway", "gateway", "run"));
                delete(folder);
                Path launcher = write("sh", "");
                Files.writeString(launcher, script(launcher));
                Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
                return launcher;
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        private static Path write(String type, String text) throws IOException {
            return Files.writeString(TARGET.resolve(OWN + "." + type), text);
        }

        /** Starts one that writes its archive at its end; it has ended, or answers. */
        private static Process train(Path folder, String kind, String... args)
                throws IOException, InterruptedException {
            List<String> command = new ArrayList<>(List.of((java() + " -XX:ArchiveClassesAtExit=" + TARGET.resolve(OWN)
                            + "-" + kind + ".jsa dev.rollout.agent.Main")
                    .split(" ")));
            command.addAll(List.of(args));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD);
            for (String variable : List.of("STATE", "RUNTIME", "SHM")) {
                builder.environment().put("ROLLOUT_" + variable + "_DIR", folder.resolve(variable) + "");
            }
            Process process = builder.start();
            Path socket = folder.resolve("RUNTIME").resolve(kind + ".sock");
            while (process.isAlive() && !Files.exists(socket)) {
                Thread.sleep(20);
            }
            return process;
        }

        private static void end(Process process) throws InterruptedException {
            process.destroy();
            process.waitFor();
        }
    }

    /** What starts this program, as a script of the shell. */
    static String script(Path launcher) throws IOException {
        return "#!/bin/sh\ncase \"$1 $2\" in \"agent run\") kind=agent;; \"gateway run\" | \"gateway take-over\") kind=gateway;;"
                + " *) kind=cli;; esac\n[ $kind = gateway ] || less=-XX:CompileThresholdScaling=8 # they end before it pays\n"
                + "exec " + java() + " $less -XX:SharedArchiveFile="
                + TARGET.resolve(Launcher.OWN) + "-$kind.jsa -Xlog:cds=off -Drollout.launcher=" + launcher
                + " dev.rollout.agent.Main \"$@\"\n";
    }

    /** The command that runs this program, up to its options. */
    static String java() throws IOException {
        return Path.of(System.getProperty("java.home"), "bin", "java")
                + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx96m -Drollout.gateway.warmup=1000"
                + " --enable-native-access=ALL-UNNAMED -cp " + classPath();
    }

    private static String classPath() throws IOException {
        try (var own = Files.newDirectoryStream(TARGET, "agent-*.jar");
                var jars = Files.list(TARGET.resolve("lib"))) {
            return own.iterator().next() + ":"
                    + String.join(":", jars.map(Path::toString).sorted().toList());
        }
    }

    private Process process(List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }

    Ran finish(Process process) throws IOException, InterruptedException {
        StringBuilder err = new StringBuilder();
        Thread reader = Thread.ofVirtual().start(() -> {
            try {
                err.append(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                err.append(e);
            }
        });
        process.getOutputStream().close();
        AtomicBoolean hangs = new AtomicBoolean();
        Thread watch = Thread.ofVirtual().start(() -> {
            try {
                if (!process.waitFor(HANGS_SECONDS, TimeUnit.SECONDS)) {
                    hangs.set(true);
                    process.destroyForcibly(); // else its output is waited for
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            hangs.set(true);
        }
        watch.join();
        if (hangs.get()) {
            throw new IOException("the command hangs: " + out + err);
        }
        reader.join();
        return new Ran(process.exitValue(), out.strip(), err.toString().strip());
    }

    Ran rollout(String... args) throws IOException, InterruptedException {
        return finish(start(args));
    }

    Ran run(String... command) throws IOException, InterruptedException {
        return finish(process(List.of(command)));
    }

    Ran docker(String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(args));
        return finish(process(command));
    }

    /** Docker Compose, which the tests bring themselves. */
    Ran compose(String... args) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(ROOT.resolve(".tools/docker-compose").toString()));
        command.addAll(List.of(args));
        return finish(process(command));
    }

    /** The version of the service's only container, which runs under its first name. */
    String one(String service) throws IOException, InterruptedException {
        List<Container> containers = containers(service);
        assertEquals(1, containers.size(), containers.toString());
        assertTrue(containers.getFirst().running(), containers.toString());
        assertEquals(project + "-" + service + "-1", containers.getFirst().name());
        assertEquals("unless-stopped", containers.getFirst().restart());
        return containers.getFirst().version();
    }

    /** All containers of the service: id, name, VERSION, running. */
    List<Container> containers(String service) throws IOException, InterruptedException {
        List<Container> containers = new ArrayList<>();
        for (JsonNode found : engine().containers(ours(), "com.docker.compose.service=" + service, NOT_KEPT)) {
            String version = "";
            for (JsonNode variable : found.at("/Config/Env")) {
                version = variable.asText().startsWith("VERSION=")
                        ? variable.asText().substring(8)
                        : version;
            }
            containers.add(new Container(
                    found.path("Id").asText(),
                    found.path("Name").asText().substring(1),
                    version,
                    found.at("/State/Running").asBoolean(),
                    found.at("/HostConfig/RestartPolicy/Name").asText()));
        }
        return containers;
    }

    record Container(String id, String name, String version, boolean running, String restart) {}

    /** All containers of the project, but for what is kept of earlier ones. */
    List<JsonNode> inspect() {
        return engine().containers(ours(), NOT_KEPT);
    }

    JsonNode inspect(String id) {
        return engine().container(id);
    }

    /** The address of a container that is in one network. */
    String address(String container) {
        return inspect(container)
                .at("/NetworkSettings/Networks")
                .elements()
                .next()
                .path("IPAddress")
                .asText();
    }

    /** Something that is done to a rollout in its middle. */
    interface Blow {
        void strike() throws Exception;
    }

    /** Reads a rollout's JSON lines to their end, and strikes once when a phase begins. The story. */
    static String at(String phase, Process up, Blow blow) throws Exception {
        boolean struck = false;
        StringBuilder story = new StringBuilder();
        BufferedReader lines = up.errorReader();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            story.append(line).append('\n');
            if (!struck && line.contains("\"intent\"") && line.contains("\"" + phase + "\"")) {
                blow.strike();
                struck = true;
            }
        }
        if (!struck) {
            throw new AssertionError("the phase " + phase + " never came: " + story);
        }
        return story.toString();
    }

    long agentPid() throws IOException, InterruptedException {
        return ask("agent.sock", "GET", "/v1/agent").path("pid").asLong();
    }

    /** Asks the agent or the gateway itself, without a process for it; nothing where none is there. */
    JsonNode ask(String socket, String method, String path) throws IOException {
        return ask(Path.of(environment.get("ROLLOUT_RUNTIME_DIR"), socket), method, path);
    }

    static JsonNode ask(Path socket, String method, String path) {
        try (UnixHttp.Answer answer = new UnixHttp(socket).send(method, path, null, "")) {
            return JSON.readTree(answer.body());
        } catch (IOException e) {
            return MissingNode.getInstance();
        }
    }

    private void stop(String socket, String status, String stop) throws Exception {
        long pid = ask(socket, "GET", status).path("pid").asLong();
        if (pid != 0) {
            ask(socket, "POST", stop);
            assertTrue(OtherProcess.endsWithin(pid, STOP_MILLIS), socket + ": it does not stop");
        }
    }

    private String ours() {
        return "com.docker.compose.project=" + project;
    }

    private EngineSocket engine() {
        String host = environment.getOrDefault("DOCKER_HOST", "unix:///var/run/docker.sock");
        return new EngineSocket(Path.of(host.substring("unix://".length())));
    }

    void removeContainers() {
        engine().removeContainers(ours());
    }

    @Override
    public void close() throws Exception {
        if (ownsAgent) {
            stop("agent.sock", "/v1/agent", "/v1/agent/stop");
            stop("gateway.sock", "/v1/routes", "/v1/stop"); // after the agent, which would start it again
        }
        removeContainers();
        engine().removeNetworks(ours());
        delete(folder);
        delete(Path.of("/dev/shm/" + project));
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (var files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }
}
