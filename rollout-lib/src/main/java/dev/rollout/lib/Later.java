package dev.rollout.lib;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Does things after a while, or again and again, on one daemon thread that begins with the first of them. */
final class Later implements AutoCloseable {
    private @Nullable ScheduledThreadPoolExecutor timer;
    private boolean closed;

    /** Something that is done again and again until it is closed. */
    interface Repeating extends AutoCloseable {
        @Override
        void close();
    }

    synchronized void in(long millis, Runnable task) {
        if (!closed) {
            timer().schedule(task, millis, TimeUnit.MILLISECONDS);
        }
    }

    synchronized Repeating every(long millis, Runnable task) {
        if (closed) {
            return () -> {};
        }
        Future<?> repeated = timer().scheduleAtFixedRate(task, millis, millis, TimeUnit.MILLISECONDS);
        return () -> repeated.cancel(false);
    }

    private ScheduledThreadPoolExecutor timer() {
        ScheduledThreadPoolExecutor running = timer;
        if (running == null) {
            running = new ScheduledThreadPoolExecutor(1, work -> {
                Thread thread = new Thread(work, "rollout-later");
                thread.setDaemon(true);
                return thread;
            });
            running.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
            running.setRemoveOnCancelPolicy(true);
            timer = running;
        }
        return running;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (timer != null) {
            timer.shutdown();
        }
    }
}
