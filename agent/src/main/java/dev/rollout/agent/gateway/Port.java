package dev.rollout.agent.gateway;

import io.netty.channel.EventLoop;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A published port: its targets now, those that still finish what they began, and the requests that wait for a target.
 *
 * <p>The switch is one write of {@link #targets}. Whoever takes a target counts itself in first and looks again then, so
 * after the write no new request is begun at the old ones, and their counts tell the truth.
 */
final class Port {
    private static final int MOST_HELD = 10_000;
    private static final long AGAIN_MILLIS = 100;

    final LongAdder requests = new LongAdder();
    final LongAdder errors = new LongAdder();
    final LongAdder retries = new LongAdder();
    final LongAdder held = new LongAdder();
    final LongAdder cut = new LongAdder();
    final LongAdder bytesIn = new LongAdder();
    final LongAdder bytesOut = new LongAdder();
    final AtomicInteger connections = new AtomicInteger();
    final Latency latency = new Latency();

    private final Vertx vertx;
    private final LongAdder endedWhileLeaving = new LongAdder();
    private final Queue<Promise<Target>> waiting = new ArrayDeque<>();
    private final List<Target> leaving = new ArrayList<>();
    private final AtomicInteger later = new AtomicInteger();
    private volatile Route route;
    private volatile boolean handedOver;
    private volatile Target[] targets = {};

    Port(Vertx vertx, Route route) {
        this.vertx = vertx;
        this.route = route;
        point(route);
    }

    Route route() {
        return route;
    }

    /** Leads to other targets from now on. Those that stay keep their counts. */
    void point(Route next) {
        List<Promise<Target>> released = new ArrayList<>();
        synchronized (this) {
            List<Target> now = new ArrayList<>();
            List<Target> known = new ArrayList<>(leaving);
            known.addAll(List.of(targets));
            List<Route.Backend> backends = next.paused() ? List.of() : next.backends();
            for (Route.Backend backend :
                    backends.stream().filter(Route.Backend::known).toList()) {
                now.add(known.stream()
                        .filter(target -> target.backend.equals(backend))
                        .findFirst()
                        .orElseGet(() -> new Target(backend)));
            }
            known.removeAll(now);
            leaving.clear();
            leaving.addAll(known);
            leaving.removeIf(target -> target.inFlight.get() == 0 && !isIn(targets, target));
            route = next;
            targets = now.toArray(Target[]::new);
            now.forEach(target -> target.leaving(false));
            known.forEach(this::leave);
            if (!now.isEmpty()) {
                released.addAll(waiting);
                waiting.clear();
            }
        }
        released.forEach(promise -> {
            Target target = take(null);
            if (target == null) {
                promise.tryFail("no target");
            } else if (!promise.tryComplete(target)) {
                done(target); // it has waited for too long in this very moment
            }
        });
    }

    /** What it has begun it may finish; what might never end has a deadline of its own. */
    private void leave(Target target) {
        target.leaving(true);
        long streams = route.policy().streams();
        if (streams > 0 && target.inFlight.get() > 0) {
            vertx.setTimer(streams, timer -> {
                if (target.leaving()) {
                    cut(target, true);
                }
            });
        }
    }

    /** What leaving targets have finished by themselves. */
    long drained() {
        return Math.max(0, endedWhileLeaving.sum() - cut.sum());
    }

    /** Ends what the target is still busy with. How much it was. */
    int cut(Target target, boolean streamsOnly) {
        List<Exchange> ended = target.live.stream()
                .filter(exchange -> !streamsOnly || exchange.streams())
                .toList();
        cut.add(ended.size());
        ended.forEach(Exchange::cut);
        return ended.size();
    }

    /** Another gateway takes the new connections of this port: what is kept alive here is told to come again. */
    void handedOver(boolean now) {
        handedOver = now;
    }

    boolean handedOver() {
        return handedOver;
    }

    private static boolean isIn(Target[] targets, Target target) {
        return List.of(targets).contains(target);
    }

    /** The targets, and those that leave while they have something in flight. */
    synchronized List<Target> all() {
        List<Target> all = new ArrayList<>(List.of(targets));
        leaving.stream().filter(target -> target.inFlight.get() > 0).forEach(all::add);
        return all;
    }

    /** Whether something is still asked of an instance here. */
    boolean busy() {
        return all().stream().anyMatch(target -> target.inFlight.get() > 0);
    }

    boolean leads(Target target) {
        return isIn(targets, target);
    }

    /** The target with the least to do, counted in; null where there is none. Give it back with {@link #done}. */
    @Nullable
    Target take(@Nullable Target but) {
        while (true) {
            Target[] seen = targets;
            Target best = null;
            for (int pass = 0; pass < 2 && best == null; pass++) {
                for (Target target : seen) {
                    if ((pass == 1 || target.wellKnown() && target != but)
                            && (best == null || target.inFlight.get() < best.inFlight.get())) {
                        best = target;
                    }
                }
            }
            if (best == null) {
                return null;
            }
            best.inFlight.incrementAndGet();
            if (targets == seen) {
                best.requests.increment();
                return best;
            }
            done(best);
        }
    }

    /**
     * A target, counted in: now, or when there is one, within the time that the route holds requests; null where there is
     * none.
     *
     * @param loop where the caller is, and hears of it
     */
    void takeOrWait(EventLoop loop, Consumer<@Nullable Target> taken) {
        Target now = take(null);
        if (now != null) {
            taken.accept(now);
            return;
        }
        Promise<Target> promise = Promise.promise();
        promise.future().onComplete(done -> loop.execute(() -> taken.accept(done.result())));
        synchronized (this) {
            if (targets.length == 0 && route.policy().hold() > 0 && waiting.size() < MOST_HELD) {
                waiting.add(promise);
                held.increment();
                vertx.setTimer(route.policy().hold(), timer -> promise.tryFail("no target was there in time"));
                return;
            }
        }
        promise.tryComplete(take(null));
    }

    /**
     * Where no instance could be reached: has it tried again in a moment. False, and nothing is done, where this one has been
     * away for longer than the route holds requests, or too much waits already.
     *
     * @param first whether it has not waited yet
     */
    boolean later(EventLoop loop, Target target, boolean first, Runnable again) {
        if (!target.justAway(route.policy().hold()) || later.get() >= MOST_HELD) {
            return false;
        }
        if (first) {
            held.increment();
        }
        later.incrementAndGet();
        loop.schedule(
                () -> {
                    later.decrementAndGet();
                    boolean another = target.triedWithin(AGAIN_MILLIS / 2); // has tried for all that wait
                    if (!another || !later(loop, target, false, again)) {
                        again.run();
                    }
                },
                AGAIN_MILLIS,
                TimeUnit.MILLISECONDS);
        return true;
    }

    /** It has begun something for a client; {@link #done(Target, Exchange)} when that has ended. */
    void begun(Target target, Exchange exchange) {
        target.live.add(exchange);
    }

    void done(Target target, Exchange exchange) {
        target.live.remove(exchange);
        if (target.leaving()) {
            endedWhileLeaving.increment();
        }
        done(target);
    }

    void done(Target target) {
        target.inFlight.decrementAndGet();
    }
}
