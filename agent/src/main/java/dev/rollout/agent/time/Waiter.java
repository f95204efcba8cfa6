package dev.rollout.agent.time;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waiting, in one place: tests bring one whose time passes at once. */
public interface Waiter {
    /** Monotonic time, to measure waits with. */
    long nanos();

    /**
     * Waits until the future is done or the time is over.
     *
     * @return true if the future is done
     */
    boolean await(CompletableFuture<?> future, Duration most) throws InterruptedException;

    /** Real time. */
    static Waiter real() {
        return new Waiter() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public boolean await(CompletableFuture<?> future, Duration most) throws InterruptedException {
                try {
                    future.get(Math.max(0, most.toNanos()), TimeUnit.NANOSECONDS);
                    return true;
                } catch (TimeoutException e) {
                    return false;
                } catch (java.util.concurrent.ExecutionException | java.util.concurrent.CancellationException e) {
                    return true;
                }
            }
        };
    }
}
