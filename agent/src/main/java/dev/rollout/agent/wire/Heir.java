package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.Path;

/** A gateway of this program that is started to take over from the one that runs. */
public final class Heir {
    private static final long PATIENCE_NANOS = 30_000_000_000L;
    private static final long LOOK_MILLIS = 20;

    private Heir() {}

    /** Which gateway answers now. */
    @FunctionalInterface
    public interface Answering {
        long pid() throws IOException;
    }

    /**
     * Starts one and waits until it answers in the place of the other. Where it does not, it is ended, and the one that
     * runs sees that and goes on.
     *
     * @return whether it took over; the log says why not
     */
    public static boolean takesOver(Path log, Answering answering) throws IOException, InterruptedException {
        long before = answering.pid();
        Process heir = Launcher.start(log, "gateway", "take-over");
        long start = System.nanoTime();
        while (answering.pid() == before) {
            if (!heir.isAlive() || System.nanoTime() - start > PATIENCE_NANOS) {
                heir.destroyForcibly();
                return false;
            }
            Thread.sleep(LOOK_MILLIS);
        }
        return true;
    }
}
