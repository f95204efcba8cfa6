package dev.rollout.agent.gateway;

import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** An instance that requests are sent to, and what it is doing. */
final class Target {
    private static final long EJECTION_NANOS = 1_000_000_000L;

    final Route.Backend backend;
    final InetSocketAddress address;
    final AtomicInteger inFlight = new AtomicInteger();
    final LongAdder requests = new LongAdder();
    final LongAdder errors = new LongAdder();
    final Set<Exchange> live = ConcurrentHashMap.newKeySet();
    private volatile boolean leaving;
    private volatile long ejectedAt;
    private volatile boolean ejected;
    private volatile long awaySince; // 0: it was reached when it was last tried

    Target(Route.Backend backend) {
        this.backend = backend;
        this.address = new InetSocketAddress(backend.host(), backend.port());
    }

    /** It gets nothing new any more, or does again: then it has been started anew, and how it was before does not count. */
    void leaving(boolean now) {
        if (leaving && !now) {
            awaySince = 0;
            ejected = false;
        }
        leaving = now;
    }

    boolean leaving() {
        return leaving;
    }

    /** It could not be reached: the others come first for a second. */
    void eject() {
        errors.increment();
        ejectedAt = System.nanoTime();
        ejected = true;
        if (awaySince == 0) {
            awaySince = ejectedAt | 1;
        }
    }

    void reached() {
        if (awaySince != 0) {
            awaySince = 0;
        }
    }

    /** Whether it has been out of reach for less than this: it may just be starting again. */
    boolean justAway(long millis) {
        return awaySince != 0 && System.nanoTime() - awaySince < TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** Whether it was tried, in vain, within this time. */
    boolean triedWithin(long millis) {
        return System.nanoTime() - ejectedAt < TimeUnit.MILLISECONDS.toNanos(millis);
    }

    boolean wellKnown() {
        if (ejected && System.nanoTime() - ejectedAt > EJECTION_NANOS) {
            ejected = false;
        }
        return !ejected;
    }
}
