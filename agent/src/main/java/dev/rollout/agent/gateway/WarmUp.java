package dev.rollout.agent.gateway;

import dev.rollout.agent.model.PortPolicy;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import io.vertx.core.parsetools.RecordParser;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests of a gateway's own, through a front of its own on loopback, before it has clients: the JVM compiles what is used
 * often, and the first of them would wait for that.
 */
final class WarmUp {
    private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);
    private static final String LOOPBACK = "127.0.0.1";
    /** Few where the compiler has little to win, as in tests. */
    private static final int REQUESTS = Integer.getInteger("rollout.gateway.warmup", 60_000);

    private static final int CONNECTIONS = 8;
    private static final int LIMIT_SECONDS = 8;
    private static final Buffer REQUEST = Buffer.buffer("GET / HTTP/1.1\r\nHost: warm-up\r\nAccept: */*\r\n\r\n");
    /** With the headers of an ordinary server: what is seen in none of these is compiled anew for the first client. */
    private static final Buffer RESPONSE =
            Buffer.buffer("HTTP/1.1 200 OK\r\nServer: warm-up\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                    + "Content-Type: text/plain\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\nhello world\n");

    private final Vertx vertx;
    private final int loops;
    private final AtomicInteger left = new AtomicInteger(REQUESTS);
    private final CountDownLatch done = new CountDownLatch(1);

    WarmUp(Vertx vertx, int loops) {
        this.vertx = vertx;
        this.loops = loops;
    }

    /** Returns after a while, at the latest; where it does not work, the gateway is slower for some seconds. */
    void run() throws InterruptedException {
        NetServer backend = vertx.createNetServer().connectHandler(WarmUp::answer);
        NetClient client = vertx.createNetClient();
        Listener front = null;
        try {
            int behind = Listener.get(backend.listen(0, LOOPBACK)).actualPort();
            int number = Listener.freePort();
            front = new Listener(vertx, new Port(vertx, route(number, behind)), new Redirect("warm-up"), loops);
            front.open(new DockersRules());
            for (int i = 0; i < CONNECTIONS; i++) {
                client.connect(number, LOOPBACK).onSuccess(this::ask).onFailure(e -> done.countDown());
            }
            boolean all = done.await(LIMIT_SECONDS, TimeUnit.SECONDS);
            LOG.info("warm{} after {} requests", all ? "" : " enough", REQUESTS - Math.max(0, left.get()));
        } catch (IOException e) {
            LOG.warn("no warm-up: {}", e.toString());
        } finally {
            client.close();
            if (front != null) {
                front.close();
            }
            backend.close();
        }
    }

    private static Route route(int number, int behind) {
        return new Route(
                "",
                "warm-up",
                LOOPBACK,
                number,
                0,
                Route.Mode.HTTP,
                PortPolicy.holding(0),
                false,
                false,
                false,
                List.of(new Route.Backend("warm-up", LOOPBACK, behind)));
    }

    private static void answer(NetSocket socket) {
        socket.handler(RecordParser.newDelimited("\r\n\r\n", request -> socket.write(RESPONSE)));
    }

    private void ask(NetSocket socket) {
        socket.handler(RecordParser.newDelimited("world\n", response -> {
            if (left.decrementAndGet() > 0) {
                socket.write(REQUEST);
            } else {
                done.countDown();
            }
        }));
        socket.closeHandler(closed -> done.countDown());
        socket.write(REQUEST);
    }
}
