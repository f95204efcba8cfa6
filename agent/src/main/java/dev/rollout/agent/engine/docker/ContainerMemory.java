package dev.rollout.agent.engine.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * What a container uses of the host's memory, as the kernel counts it. The Engine says the same, but at the tick of a
 * second: a rollout would wait up to that for it.
 */
final class ContainerMemory {
    private static final Path CONTROL_GROUPS = Path.of("/sys/fs/cgroup");

    private ContainerMemory() {}

    /**
     * Bytes, without the files that the kernel would give back first.
     *
     * @param pid the container's first process
     * @return empty where the kernel does not say: the Engine is another's host, or this process does not see its groups
     */
    static OptionalLong used(String id, long pid) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "cgroup"))) {
                String[] group = line.split(":", 3); // its number, its controllers, its path
                boolean unified = group[1].isEmpty();
                if (!group[2].contains(id) || !unified && !group[1].equals("memory")) {
                    continue; // without the container's id it may be some other process by now
                }
                Path folder = CONTROL_GROUPS.resolve(unified ? "." : "memory").resolve(group[2].substring(1));
                Path usage = folder.resolve(unified ? "memory.current" : "memory.usage_in_bytes");
                if (Files.exists(usage)) {
                    long all = Long.parseLong(Files.readString(usage).strip());
                    return OptionalLong.of(
                            all - reclaimable(folder, unified ? "inactive_file" : "total_inactive_file"));
                }
            }
        } catch (IOException | NumberFormatException e) {
            // it has just ended, or it is not ours to read
        }
        return OptionalLong.empty();
    }

    private static long reclaimable(Path folder, String name) throws IOException {
        return Files.readAllLines(folder.resolve("memory.stat")).stream()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)))
                .findFirst()
                .orElse(0);
    }
}
