package dev.rollout.agent.rollout;

import dev.rollout.agent.time.Waiter;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Time that passes at once when somebody waits. */
final class FakeWaiter implements Waiter {
    private long now;

    @Override
    public long nanos() {
        return now;
    }

    @Override
    public boolean await(CompletableFuture<?> future, Duration most) {
        if (future.isDone()) {
            return true;
        }
        now += most.toNanos();
        return false;
    }
}
