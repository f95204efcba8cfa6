package dev.rollout.agent.wire;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Starts this very program in the background. */
public final class Launcher {
    private static final int LOOK_SECONDS = 5;
    /** Becomes what is started, in a new unit. */
    private static final List<String> SCOPE =
            List.of("systemd-run", "--scope", "--quiet", "--collect", "--no-ask-password");

    /** What may name a folder from where this runs. */
    private static final Set<String> FOLDERS = Set.of(
            "ROLLOUT_STATE_DIR",
            "ROLLOUT_RUNTIME_DIR",
            "ROLLOUT_SHM_DIR",
            "XDG_STATE_HOME",
            "DOCKER_CONFIG",
            "DOCKER_CERT_PATH");

    private Launcher() {}

    /**
     * In a session of its own, so that Ctrl-C at the terminal does not reach it, and where systemd runs in a unit of its
     * own ({@code rollout-gateway-….scope}): neither the end of a login nor that of the agent's unit is its end then, and
     * what it uses is counted apart. It stays in the root folder: the one that this runs in may be a checkout that is
     * removed after the deploy, and no JVM starts in a folder that is gone. What it says goes to the log.
     */
    public static Process start(Path log, String... verb) throws IOException {
        Files.createDirectories(log.toAbsolutePath().getParent());
        ProcessBuilder.Redirect append = ProcessBuilder.Redirect.appendTo(log.toFile());
        ProcessBuilder process = new ProcessBuilder(command(verb)).directory(new File("/"));
        process.environment().replaceAll((name, value) -> FOLDERS.contains(name) ? absolute(value) : value);
        return process.redirectInput(
                        ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(append)
                .redirectError(append)
                .start();
    }

    private static String absolute(String folder) {
        return folder.isEmpty()
                ? folder
                : Path.of(folder).toAbsolutePath().normalize().toString();
    }

    private static List<String> command(String... verb) {
        List<String> command = new ArrayList<>(List.of("setsid"));
        if (scopes()) {
            command.addAll(SCOPE);
            command.add("--unit=rollout-" + verb[0] + "-" + System.currentTimeMillis());
            if (verb[0].equals("agent")) {
                command.add("--property=CPUWeight=30"); // behind the services, as in its installed unit
            }
        }
        String launcher = System.getProperty("rollout.launcher");
        if (launcher != null) {
            command.add(launcher);
        } else {
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(List.of(
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "dev.rollout.agent.Main"));
        }
        command.addAll(List.of(verb));
        return command;
    }

    /** Whether systemd makes them: it may be there and not be this user's to ask. */
    private static boolean scopes() {
        if (!Files.isDirectory(Path.of("/run/systemd/system"))) {
            return false;
        }
        try {
            List<String> nothing = new ArrayList<>(SCOPE);
            nothing.add("true");
            Process asked = new ProcessBuilder(nothing)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!asked.waitFor(LOOK_SECONDS, TimeUnit.SECONDS)) {
                asked.destroyForcibly();
                return false;
            }
            return asked.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
