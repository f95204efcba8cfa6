package dev.rollout.agent.wire;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A process that is no child of this one: nobody tells when it ends, so it is looked at. */
public final class OtherProcess {
    private static final long LOOK_MILLIS = 20;

    private OtherProcess() {}

    /**
     * Returns when it has died, whether its parent has taken note of that or not: to the JDK such a one is alive, and
     * where process 1 takes no notes (that of many containers) for ever.
     */
    public static void awaitEnd(ProcessHandle process) throws InterruptedException {
        while (lives(process)) {
            Thread.sleep(LOOK_MILLIS);
        }
    }

    /** As {@link #awaitEnd}, for some time: whether it has died by then. */
    public static boolean endsWithin(long pid, long millis) throws InterruptedException {
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        long start = System.nanoTime();
        while (process.isPresent() && lives(process.get())) {
            if (System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(millis)) {
                return false;
            }
            Thread.sleep(LOOK_MILLIS);
        }
        return true;
    }

    private static boolean lives(ProcessHandle process) {
        return process.isAlive() && !isDead(process.pid());
    }

    private static boolean isDead(long pid) {
        try {
            return !ProcessStat.of(Long.toString(pid)).lives();
        } catch (IOException e) {
            return false; // gone, or not to be told here: the JDK's word holds
        }
    }
}
