package dev.rollout.agent.wire;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** This process's session, which Linux gives its share of the processors as a whole ({@code sched_autogroup}). */
public final class Session {
    private static final String WEIGHT = "/proc/self/autogroup";
    /** A third of another's share where both want all: enough for a rollout on a busy host. */
    private static final String BEHIND = "5";

    private static final int TIMES = 5;
    private static final long PAUSE_MILLIS = 130;

    private Session() {}

    /**
     * Puts it behind others: what an agent has to do at a switch would keep the gateway waiting just then. Only where the
     * session is this process's own, and where the kernel has such weights. The kernel takes one of these from all users
     * in a tenth of a second, and sends others away: that is done beside what else is to do.
     */
    public static void goBehind() {
        Thread.ofVirtual().name("weight").start(() -> {
            try {
                if (ProcessStat.of("self").session() == ProcessHandle.current().pid()) {
                    for (int i = 0; i < TIMES && !weighs(); i++) {
                        Thread.sleep(PAUSE_MILLIS);
                    }
                }
            } catch (IOException | InterruptedException e) {
                // it shares alike then
            }
        });
    }

    /** Not by a channel, to which "try again" is no error but nothing written. */
    private static boolean weighs() {
        try (FileOutputStream out = new FileOutputStream(WEIGHT)) {
            out.write(BEHIND.getBytes(StandardCharsets.US_ASCII));
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
