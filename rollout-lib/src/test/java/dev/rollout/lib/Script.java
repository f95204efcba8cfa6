package dev.rollout.lib;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The project's own scripts, which the tests call as a person would. */
final class Script {
    private Script() {}

    /** Runs one of {@code scripts}; what it has said on stdout. */
    static String run(String name) throws IOException, InterruptedException {
        Process script = new ProcessBuilder(Path.of("..", "scripts", name).toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (script.waitFor() != 0) {
            throw new IOException("scripts/" + name + " failed");
        }
        return said;
    }
}
