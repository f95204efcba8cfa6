package dev.rollout.agent.cli;

import dev.rollout.agent.model.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The unit of systemd that scripts/install makes. What systemd looks after is started and ended through it: else it starts a
 * second agent beside the one that took the first one's place, and gives up.
 */
final class AgentUnit {
    private static final String NAME = "rollout.service";

    private AgentUnit() {}

    /** Whether the host's agent is one, running or not, and this user may start it. */
    static boolean isThere(Folders folders) {
        return Folders.byRoot()
                && folders.equals(Folders.OF_HOST)
                && Files.isDirectory(Path.of("/run/systemd/system"))
                && systemctl("cat");
    }

    /** Whether a process belongs to it. */
    static boolean has(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/cgroup")).contains("/" + NAME);
        } catch (IOException e) {
            return false;
        }
    }

    static void start() {
        must("start");
    }

    static void stop() {
        must("stop");
    }

    static void restart() {
        must("restart");
    }

    private static void must(String verb) {
        if (!systemctl(verb)) {
            throw new CliException(
                    Exit.FAILED, "'systemctl " + verb + " " + NAME + "' fails; 'journalctl -u " + NAME + "' tells why");
        }
    }

    private static boolean systemctl(String verb) {
        try {
            return new ProcessBuilder("systemctl", verb, NAME)
                            .redirectInput(Path.of("/dev/null").toFile())
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .redirectError(
                                    verb.equals("cat")
                                            ? ProcessBuilder.Redirect.DISCARD
                                            : ProcessBuilder.Redirect.INHERIT)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
