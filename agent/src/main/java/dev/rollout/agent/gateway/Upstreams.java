package dev.rollout.agent.gateway;

import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestEncoder;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The connections to instances of one event loop. One that is idle is kept for a while; the warmest is taken first. */
final class Upstreams {
    /** Servers close what is idle after 5 s and more: a request must not meet that on its way. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(4);

    private static final long SWEEP_MILLIS = 1000;

    private final Loop loop;
    private final HttpDecoderConfig config;
    private final Map<Target, Deque<Upstream>> idle = new HashMap<>();

    Upstreams(Vertx vertx, Loop loop, HttpDecoderConfig config) {
        this.loop = loop;
        this.config = config;
        vertx.setPeriodic(SWEEP_MILLIS, timer -> sweep());
    }

    /** One that is idle; null where there is none. */
    @Nullable
    Upstream take(Target target) {
        Deque<Upstream> kept = idle.get(target);
        while (kept != null && !kept.isEmpty()) {
            Upstream last = kept.removeLast();
            if (last.fresh(IDLE_NANOS)) {
                return last;
            }
            last.close();
        }
        return null;
    }

    void give(Upstream upstream) {
        upstream.free();
        idle.computeIfAbsent(upstream.target, none -> new ArrayDeque<>()).addLast(upstream);
    }

    /** A new one. */
    Future<Upstream> connect(Target target) {
        Upstream upstream = new Upstream(target);
        return loop.connect(target.address, new AnswerDecoder(config, upstream), new HttpRequestEncoder(), upstream)
                .map(upstream);
    }

    private void sweep() {
        idle.values().removeIf(kept -> {
            kept.removeIf(upstream -> {
                boolean old = !upstream.fresh(IDLE_NANOS);
                if (old) {
                    upstream.close();
                }
                return old;
            });
            return kept.isEmpty();
        });
    }
}
