package dev.rollout.agent.gateway;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * A published port: its targets now, those that still finish what they began, and the requests that wait for a target.
 *
 * <p>The switch is one write of {@link #targets}. Whoever takes a target counts itself in first and looks again then, so
 * after the write no new request is begun at the old ones, and their counts tell the truth.
 */
final class Port {
    private static final int MOST_HELD = 10_000;

    final LongAdder requests = new LongAdder();
    final LongAdder errors = new LongAdder();
    final LongAdder retries = new LongAdder();
    final LongAdder held = new LongAdder();
    final Latency latency = new Latency();

    private final Vertx vertx;
    private final Queue<Promise<Target>> waiting = new ArrayDeque<>();
    private final List<Target> leaving = new ArrayList<>();
    private volatile Route route;
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
            for (Route.Backend backend : next.paused() ? List.<Route.Backend>of() : next.backends()) {
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
            if (!now.isEmpty()) {
                released.addAll(waiting);
                waiting.clear();
            }
        }
        released.forEach(promise -> {
            Target target = take(null);
            if (target != null) {
                promise.tryComplete(target);
            } else {
                promise.tryFail("no target");
            }
        });
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

    /** A target, now or when there is one, within the time that the route holds requests. */
    Future<Target> takeOrWait() {
        Target target = take(null);
        if (target != null) {
            return Future.succeededFuture(target);
        }
        Promise<Target> promise = Promise.promise();
        synchronized (this) {
            if (targets.length == 0 && route.holdMillis() > 0 && waiting.size() < MOST_HELD) {
                waiting.add(promise);
                held.increment();
                vertx.setTimer(route.holdMillis(), timer -> promise.tryFail("no target was there in time"));
                return promise.future();
            }
        }
        target = take(null);
        return target == null ? Future.failedFuture("no target") : Future.succeededFuture(target);
    }

    void done(Target target) {
        target.inFlight.decrementAndGet();
    }
}
