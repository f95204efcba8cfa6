package dev.rollout.agent.gateway;

import io.netty.channel.Channel;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.util.List;

/** Takes the connections of a port on one event loop. */
abstract class Front extends VerticleBase {
    private final Port port;
    private final String host;
    private final int bound;
    private final Loop.Place place;
    private Loop loop;

    /** @param bound the port to listen on: the published one, or the one that connections are redirected to */
    @SuppressWarnings("NullAway.Init") // start() makes the loop before anything is asked
    Front(Port port, String host, int bound, Loop.Place place) {
        this.port = port;
        this.host = host;
        this.bound = bound;
        this.place = place;
    }

    @Override
    public Future<?> start() {
        loop = new Loop(vertx, context);
        return loop.listen(port, host, bound, place, protocols(), this::serve);
    }

    @Override
    public Future<?> stop() {
        loop.close();
        return Future.succeededFuture();
    }

    /** Nobody is let in any more; those who are here stay. */
    final void shut() {
        loop.shut();
    }

    final Port port() {
        return port;
    }

    final Loop loop() {
        return loop;
    }

    /** What is offered to clients that come by TLS, by the names of ALPN. */
    abstract List<String> protocols();

    /** Takes a client's connection, on this loop. */
    abstract void serve(Channel connection);
}
