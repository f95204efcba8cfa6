package dev.rollout.contract;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.sqlite.BusyHandler;

/**
 * Busy is the normal case (both instances ask in the same instant) and lasts microseconds: give the core away and ask
 * again, where SQLite's own handler sleeps for milliseconds.
 */
final class YieldingHandler extends BusyHandler {
    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final int YIELDS = 200;
    private static final long PAUSE_NANOS = 100_000;
    private long since;

    @Override
    protected int callback(int asked) {
        if (asked == 0) {
            since = System.nanoTime();
        }
        if (asked < YIELDS) {
            Thread.yield();
        } else {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        return System.nanoTime() - since < LIMIT.toNanos() ? 1 : 0;
    }
}
