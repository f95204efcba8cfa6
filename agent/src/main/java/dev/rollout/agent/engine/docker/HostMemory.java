package dev.rollout.agent.engine.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the host can still give, by the kernel's own estimate. */
final class HostMemory {
    private HostMemory() {}

    static long available() {
        try {
            return Files.readAllLines(Path.of("/proc/meminfo")).stream()
                    .filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(Long.MAX_VALUE);
        } catch (IOException e) {
            return Long.MAX_VALUE; // no /proc: nothing can be told, so nothing is refused
        }
    }
}
