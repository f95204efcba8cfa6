package dev.rollout.sidecar;

import java.io.IOException;
import java.util.List;

/** The app that the sidecar runs beside itself in one container: signals go on to it, its end is the sidecar's end. */
final class App {
    private final Process process;

    App(List<String> command) throws IOException {
        process = new ProcessBuilder(command).inheritIO().start();
    }

    void signal(String name) {
        try {
            // the JDK can only terminate: kill is in every image that has a shell
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
        } catch (IOException e) {
            System.err.println("sidecar: no kill command for SIG" + name + ": " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void terminate() {
        process.destroy();
    }

    /** Its exit code; as a shell tells it, 128 and the signal's number where it was killed. */
    int await() throws InterruptedException {
        return process.waitFor();
    }
}
