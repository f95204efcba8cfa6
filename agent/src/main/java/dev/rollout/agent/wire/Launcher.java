package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts this very program in the background. */
public final class Launcher {
    private Launcher() {}

    /** In a session of its own, so that Ctrl-C at the terminal does not reach it; what it says goes to the log. */
    public static Process start(Path log, String... verb) throws IOException {
        Files.createDirectories(log.toAbsolutePath().getParent());
        ProcessBuilder.Redirect append = ProcessBuilder.Redirect.appendTo(log.toFile());
        return new ProcessBuilder(command(verb))
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(append)
                .redirectError(append)
                .start();
    }

    private static List<String> command(String... verb) {
        List<String> command = new ArrayList<>();
        command.add("setsid");
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
}
