package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** This process's session, which Linux gives its share of the processors as a whole ({@code sched_autogroup}). */
public final class Session {
    private static final Path WEIGHT = Path.of("/proc/self/autogroup");
    /** A third of another's share where both want all: enough for a rollout on a busy host. */
    private static final String BEHIND = "5";

    private Session() {}

    /**
     * Puts it behind others: what an agent has to do at a switch would keep the gateway waiting just then. Only where the
     * session is this process's own, and where the kernel has such weights.
     */
    public static void goBehind() {
        try {
            if (ProcessStat.of("self").session() == ProcessHandle.current().pid()) {
                Files.writeString(WEIGHT, BEHIND);
            }
        } catch (IOException e) {
            // it shares alike then
        }
    }
}
