package dev.rollout.agent.gateway;

import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

    Target(Route.Backend backend) {
        this.backend = backend;
        this.address = new InetSocketAddress(backend.host(), backend.port());
    }

    /** It gets nothing new any more, or does again. */
    void leaving(boolean now) {
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
    }

    boolean wellKnown() {
        if (ejected && System.nanoTime() - ejectedAt > EJECTION_NANOS) {
            ejected = false;
        }
        return !ejected;
    }
}
