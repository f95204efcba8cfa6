package dev.rollout.agent.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final ObjectMapper JSON = new ObjectMapper();
    static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    final Path folder;
    final String project;
    final Map<String, String> environment = new LinkedHashMap<>();
    private boolean ownsAgent = true;

    record Ran(int exit, String out, String err) {
        String all() {
            return "exit " + exit + "\n" + out + "\n" + err;
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
    }

    /** Writes the Compose file: services in YAML, indented by two. */
    Rig services(String yaml) throws IOException {
        Files.writeString(folder.resolve("compose.yaml"), "name: " + project + "\nservices:\n" + yaml.indent(2));
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

    Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(Launcher.PATH.toString()));
        command.addAll(List.of(args));
        return process(command);
    }

    /** The program's launcher, with an archive of its classes: every command starts in half the time. Made once. */
    private static final class Launcher {
        static final String OWN = "rig-" + ProcessHandle.current().pid(); // the tests run in two processes
        static final Path ARCHIVE = ROOT.resolve("agent/target/" + OWN + ".jsa");
        static final Path PATH = make();

        private static Path make() {
            try {
                Path target = ROOT.resolve("agent/target");
                Path launcher = target.resolve(OWN + ".sh");
                Path file = Files.writeString(target.resolve(OWN + ".yaml"), "services: {a: {image: b}}");
                String training = " dev.rollout.agent.Main config --format json -f " + file;
                new ProcessBuilder("sh", "-c", plainJava() + " -XX:ArchiveClassesAtExit=" + ARCHIVE + training)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
                Files.writeString(
                        launcher,
                        "#!/bin/sh\nexec " + java() + " -Drollout.launcher=" + launcher
                                + " dev.rollout.agent.Main \"$@\"\n");
                Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
                return launcher;
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** The command that runs this program, up to its options. */
    static String java() throws IOException {
        return plainJava() + " -XX:SharedArchiveFile=" + Launcher.ARCHIVE + " -Xlog:cds=off";
    }

    private static String plainJava() throws IOException {
        return Path.of(System.getProperty("java.home"), "bin", "java")
                + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx96m -Drollout.gateway.warmup=5000"
                + " --enable-native-access=ALL-UNNAMED -cp " + classPath();
    }

    private static String classPath() throws IOException {
        Path target = ROOT.resolve("agent/target");
        try (var own = Files.newDirectoryStream(target, "agent-*.jar");
                var jars = Files.list(target.resolve("lib"))) {
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

    /** All containers of the service: id, name, VERSION, running. */
    List<Container> containers(String service) throws IOException, InterruptedException {
        Ran ids = docker(
                "ps",
                "-aq",
                "--no-trunc",
                "--filter",
                "label=com.docker.compose.project=" + project,
                "--filter",
                "label=com.docker.compose.service=" + service,
                "--filter",
                "label=com.docker.compose.oneoff=False");
        List<Container> containers = new ArrayList<>();
        for (String id : ids.out().lines().toList()) {
            JsonNode found = inspect(id);
            if (!found.isMissingNode()) {
                String version = "";
                for (JsonNode variable : found.at("/Config/Env")) {
                    version = variable.asText().startsWith("VERSION=")
                            ? variable.asText().substring(8)
                            : version;
                }
                containers.add(new Container(
                        id,
                        found.path("Name").asText().substring(1),
                        version,
                        found.at("/State/Running").asBoolean(),
                        found.at("/HostConfig/RestartPolicy/Name").asText()));
            }
        }
        return containers;
    }

    record Container(String id, String name, String version, boolean running, String restart) {}

    JsonNode inspect(String id) throws IOException, InterruptedException {
        return JSON.readTree(docker("inspect", id).out()).path(0);
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
        return JSON.readTree(rollout("agent", "status", "--format", "json").out())
                .path("pid")
                .asLong();
    }

    void removeContainers() throws IOException, InterruptedException {
        Ran left = docker("ps", "-aq", "--filter", "label=com.docker.compose.project=" + project);
        for (String id : left.out().lines().toList()) {
            docker("rm", "-f", "-v", id);
        }
    }

    @Override
    public void close() throws Exception {
        if (ownsAgent) {
            rollout("agent", "stop");
            rollout("gateway", "stop"); // after the agent, which would start it again
        }
        removeContainers();
        docker("network", "rm", project + "_default");
        for (Path path : List.of(folder, Path.of("/dev/shm/" + project))) {
            if (Files.exists(path)) {
                try (var files = Files.walk(path)) {
                    for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(file);
                    }
                }
            }
        }
    }
}
