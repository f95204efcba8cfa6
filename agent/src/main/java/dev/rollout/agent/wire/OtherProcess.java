package dev.rollout.agent.wire;

import java.io.IOException;

/** A process that is no child of this one: nobody tells when it ends, so it is looked at. */
public final class OtherProcess {
    private static final long LOOK_MILLIS = 20;

    private OtherProcess() {}

    /**
     * Returns when it has died, whether its parent has taken note of that or not: to the JDK such a one is alive, and
     * where process 1 takes no notes (that of many containers) for ever.
     */
    public static void awaitEnd(ProcessHandle process) throws InterruptedException {
        while (process.isAlive() && !isDead(process.pid())) {
            Thread.sleep(LOOK_MILLIS);
        }
    }

    private static boolean isDead(long pid) {
        try {
            return !ProcessStat.of(Long.toString(pid)).lives();
        } catch (IOException e) {
            return false; // gone, or not to be told here: the JDK's word holds
        }
    }
}
