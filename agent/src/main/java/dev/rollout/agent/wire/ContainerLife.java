package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A container's oldest process: while it lives, the container does. The kernel tells that at once, and when the Engine is
 * away, too.
 *
 * @param started in the kernel's ticks: a pid is given out again
 */
public record ContainerLife(String pid, long started) {
    private static final Path PROCESSES = Path.of("/proc");

    /** Empty where there is none, or where this process does not see those of containers. */
    public static Optional<ContainerLife> of(String container) {
        ContainerLife oldest = null;
        for (Path process : processes(container)) {
            try {
                String pid = process.getFileName().toString();
                ProcessStat stat = ProcessStat.of(pid);
                if (stat.lives() && (oldest == null || stat.started() < oldest.started)) {
                    oldest = new ContainerLife(pid, stat.started());
                }
            } catch (IOException e) {
                // it has just ended
            }
        }
        return Optional.ofNullable(oldest);
    }

    public boolean lasts() {
        try {
            ProcessStat stat = ProcessStat.of(pid);
            return stat.lives() && stat.started() == started;
        } catch (IOException e) {
            return false;
        }
    }

    /** The folders in {@code /proc} of a container's processes: their control group is named after it. */
    public static List<Path> processes(String container) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROCESSES, "[0-9]*")) {
            for (Path process : all) {
                if (isOf(container, process)) {
                    found.add(process);
                }
            }
        } catch (IOException e) {
            return List.of(); // no Linux
        }
        return found;
    }

    private static boolean isOf(String container, Path process) {
        try {
            return Files.readString(process.resolve("cgroup")).contains(container);
        } catch (IOException e) {
            return false; // it has just ended
        }
    }
}
