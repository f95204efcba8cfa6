package dev.rollout.agent.gateway;

import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The connections to instances of one event loop. One that is idle is kept for a while; the warmest is taken first. */
final class Upstreams {
    private static final int CONNECT_MILLIS = 2000;
    /** Servers close what is idle after 5 s and more: a request must not meet that on its way. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(4);

    private static final long SWEEP_MILLIS = 1000;

    private final Context context;
    private final HttpDecoderConfig config;
    private final NetClient client;
    private final Map<Target, Deque<Upstream>> idle = new HashMap<>();

    Upstreams(Vertx vertx, Context context, HttpDecoderConfig config) {
        this.context = context;
        this.config = config;
        client = vertx.createNetClient(
                new NetClientOptions().setConnectTimeout(CONNECT_MILLIS).setTcpNoDelay(true));
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
        Promise<Upstream> promise = Promise.promise();
        context.runOnContext(now -> client.connect(target.address)
                .map(socket -> {
                    Upstream upstream = new Upstream(target);
                    ((NetSocketInternal) socket)
                            .channelHandlerContext()
                            .pipeline()
                            .addBefore(HttpFront.LAST, null, new HttpClientCodec(config, false, false))
                            .addBefore(HttpFront.LAST, null, upstream);
                    return upstream;
                })
                .onComplete(promise));
        return promise.future();
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
