package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A container's oldest process: while it lives, the container does. The kernel tells that at once, and when the Engine is
 * away, too.
 *
 * @param started in the kernel's ticks: a pid is given out again
 */
public record ContainerLife(String pid, long started) {
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
        try {
            return HostProcesses.all().stream()
                    .filter(process -> isOf(container, process))
                    .toList();
        } catch (IOException e) {
            return List.of(); // no Linux
        }
    }

    private static boolean isOf(String container, Path process) {
        try {
            return Files.readString(process.resolve("cgroup")).contains(container);
        } catch (IOException e) {
            return false; // it has just ended
        }
    }
}
