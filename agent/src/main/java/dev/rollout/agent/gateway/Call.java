package dev.rollout.agent.gateway;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request on its way to a target and back. */
final class Call implements Exchange {
    private static final Logger ACCESS = LoggerFactory.getLogger("access");
    private static final Set<HttpMethod> IDEMPOTENT =
            Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS, HttpMethod.PUT, HttpMethod.DELETE);

    /** How long a client that has ended its side waits for the next piece of its answer, if it is there at all. */
    private static final long ENDED_MILLIS = 2000;

    private final HttpFront front;
    private final Port port;
    private final Requests client;
    private final HttpRequest request;
    private final long start = System.nanoTime();
    private final boolean old;
    private final Queue<HttpContent> early = new ArrayDeque<>(0); // what came before there was a connection for it
    private boolean keepAlive;
    private boolean hasBody;
    private boolean sentAll;
    private long uploaded;
    private @Nullable Target target; // while this is counted there
    private @Nullable Target failed;
    private @Nullable Upstream upstream;
    private @Nullable Future<?> timer;
    private @Nullable HttpResponse answer;
    private boolean held; // the head of the answer, which goes out with the beginning of its body
    private boolean reusable;
    private boolean eventStream;
    private long bytes;
    private String instance = "nobody";
    private boolean waited;
    private boolean clientEnded;
    private boolean over;

    Call(HttpFront front, Requests client, HttpRequest request) {
        this.front = front;
        this.port = front.port();
        this.client = client;
        this.request = request;
        this.old = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
    }

    void begin() {
        HttpHeaders headers = request.headers();
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        long announced = length == null ? 0 : Long.parseLong(length); // the decoder lets nothing else through
        if (tooMuch(announced)) {
            return;
        }
        hasBody = announced > 0 || headers.contains(HttpHeaderNames.TRANSFER_ENCODING);
        keepAlive = HttpUtil.isKeepAlive(request);
        if (HttpUtil.is100ContinueExpected(request)) {
            client.invite();
        }
        String upgrade = headers.get(HttpHeaderNames.UPGRADE);
        Heads.forward(request, client);
        if (upgrade != null && !client.isStream() && !upgrade.equalsIgnoreCase(Http2.CLEAR)) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE).set(HttpHeaderNames.UPGRADE, upgrade);
        }
        take();
    }

    private void take() {
        port.takeOrWait(client.loop(), taken -> {
            if (taken == null) {
                end(HttpResponseStatus.SERVICE_UNAVAILABLE, "no instance is ready", false);
            } else if (over) {
                port.done(taken);
            } else {
                send(taken);
            }
        });
    }

    boolean headOnly() {
        return request.method().equals(HttpMethod.HEAD);
    }

    private boolean tooMuch(long size) {
        long most = port.route().policy().maxBody();
        if (most > 0 && size > most) {
            end(HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE, "a body has at most " + most + " bytes here", true);
            return true;
        }
        return false;
    }

    private void send(Target to) {
        target = to;
        instance = to.backend.instance();
        port.begun(to, this);
        Upstream idle = front.upstreams().take(to);
        if (idle != null) {
            forward(idle);
            return;
        }
        front.upstreams().connect(to).onSuccess(this::connected).onFailure(cause -> {
            if (!over) {
                unreached(to, "the instance cannot be reached: " + cause.getMessage());
            }
        });
    }

    /** Nothing was sent: another target may have it at once, and any when there is one again. */
    private void unreached(Target to, String words) {
        to.eject();
        if (failed == null || !port.later(client.loop(), to, !waited, this::take)) {
            again(words);
            return;
        }
        waited = true;
        free();
    }

    private void connected(Upstream fresh) {
        fresh.target.reached();
        if (over) {
            front.upstreams().give(fresh); // its client has gone in the meantime
        } else {
            forward(fresh);
        }
    }

    private void again(String words) {
        Target but = target;
        free();
        if (failed == null && but != null) {
            failed = but;
            Target other = port.take(but);
            if (other != null) {
                port.retries.increment();
                send(other);
                return;
            }
        }
        end(HttpResponseStatus.BAD_GATEWAY, words, false);
    }

    private void forward(Upstream to) {
        upstream = to;
        to.begin(this);
        if (hasBody) {
            to.write(request);
            early.forEach(to::write);
            early.clear();
        } else {
            to.write(new DefaultFullHttpRequest(
                    request.protocolVersion(),
                    request.method(),
                    request.uri(),
                    Unpooled.EMPTY_BUFFER,
                    request.headers(),
                    EmptyHttpHeaders.INSTANCE));
        }
        to.flush();
        if (clientEnded) {
            to.end();
        }
        client.full(!to.writable());
        long timeout = port.route().policy().timeout();
        if (timeout > 0) {
            timer = client.loop().schedule(this::tooLate, timeout, TimeUnit.MILLISECONDS);
        }
    }

    /** A piece of the request's body: with back-pressure, counted, and no more of it than the port takes. */
    void body(HttpContent part) {
        uploaded += part.content().readableBytes();
        boolean last = part instanceof LastHttpContent;
        sentAll = last;
        if (!hasBody || tooMuch(uploaded)) {
            part.release();
            return;
        }
        if (last) {
            port.bytesIn.add(uploaded);
        }
        if (upstream == null) {
            early.add(part);
            client.full(!last);
            return;
        }
        upstream.write(part);
        if (last) {
            upstream.flush();
        } else if (!upstream.writable()) {
            client.full(true);
            upstream.flush();
        }
    }

    void flush() {
        if (upstream != null) {
            upstream.flush();
        }
    }

    /**
     * The client will say no more. It may have left, or wait for its answer: the instance hears of it as it would without
     * a gateway, and may go on for as long as something comes of it. What no instance has yet is dropped.
     */
    void clientEnded() {
        if (over || clientEnded) {
            return; // its answer is just being given, or it knows
        }
        if (target == null) {
            drop();
        } else {
            clientEnded = true;
            keepAlive = false;
            if (upstream != null) {
                upstream.end();
            }
            awaitMore(bytes);
        }
    }

    private void awaitMore(long seen) {
        client.loop()
                .schedule(
                        () -> {
                            boolean taking = client.channel().isWritable(); // else it has more than it has taken yet
                            if (!over && bytes == seen && taking) {
                                drop();
                            } else if (!over) {
                                awaitMore(bytes);
                            }
                        },
                        ENDED_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    /** Nobody hears of it: whoever asked may have left. */
    private void drop() {
        abandon();
        client.cut();
    }

    void targetTakes(boolean more) {
        client.full(!more);
    }

    void clientTakes(boolean more) {
        if (upstream != null) {
            upstream.takes(more);
        }
    }

    private void tooLate() {
        if (!over && answer == null) {
            end(HttpResponseStatus.GATEWAY_TIMEOUT, "the instance did not begin its answer in time", false);
        }
    }

    /** An answer before the answer. The one that invites the body has been given here. */
    void hint(HttpResponse early) {
        if (!old && !early.status().equals(HttpResponseStatus.CONTINUE)) {
            Heads.strip(early.headers());
            client.write(new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1,
                    early.status(),
                    Unpooled.EMPTY_BUFFER,
                    early.headers(),
                    EmptyHttpHeaders.INSTANCE));
            client.flush();
        }
    }

    void answer(HttpResponse head) {
        stopTimer();
        answer = head;
        HttpHeaders headers = head.headers();
        reusable = HttpUtil.isKeepAlive(head);
        Heads.strip(headers);
        head.setProtocolVersion(HttpVersion.HTTP_1_1);
        int status = head.status().code();
        boolean chunked = HttpUtil.isTransferEncodingChunked(head);
        if (!headOnly() && status != 204 && status != 304) {
            if (old && chunked) {
                HttpUtil.setTransferEncodingChunked(head, false);
                keepAlive = false; // the end of the connection is the end of the answer
            } else if (!chunked && !headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
                reusable = false; // so it was from the instance
                keepAlive &= !old;
                HttpUtil.setTransferEncodingChunked(head, !old);
            }
        }
        keepAlive &= !port.handedOver();
        if (client.isStream()) {
            if (port.handedOver()) {
                Http2.leave(client.channel());
            }
        } else if (!keepAlive) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (old) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
        eventStream = type != null && type.startsWith("text/event-stream");
        held = true;
    }

    private void writeHead() {
        if (held) {
            held = false;
            client.write(Objects.requireNonNull(answer));
        }
    }

    void answerBody(HttpContent part) {
        bytes += part.content().readableBytes();
        if (part instanceof LastHttpContent last) {
            finish(last);
            return;
        }
        writeHead();
        client.write(part);
        if (!client.channel().isWritable()) {
            clientTakes(false);
            client.flush();
        }
    }

    void flushAnswer() {
        writeHead();
        client.flush();
    }

    private void finish(LastHttpContent last) {
        over = true;
        port.latency.record(System.nanoTime() - start);
        port.bytesOut.add(bytes);
        Upstream used = Objects.requireNonNull(upstream);
        upstream = null;
        free();
        if (reusable && sentAll && !clientEnded) {
            front.upstreams().give(used);
        } else {
            used.close();
        }
        log();
        HttpResponse head = Objects.requireNonNull(answer);
        client.finish(
                held
                        ? new DefaultFullHttpResponse(
                                head.protocolVersion(),
                                head.status(),
                                last.content(),
                                head.headers(),
                                last.trailingHeaders())
                        : last,
                !keepAlive);
    }

    /** After the switch of protocols the bytes go as they are, both ways, with back-pressure. */
    void upgrade(HttpResponse switched) {
        if (!request.headers().contains(HttpHeaderNames.UPGRADE)) {
            broken(new IOException("it switches to a protocol that nobody asked for"));
            return;
        }
        if (client.hasMore()) { // in HTTP: it cannot be taken for what comes after the switch
            end(HttpResponseStatus.BAD_REQUEST, "more was sent before the switch of protocols", true);
            return;
        }
        Target to = Objects.requireNonNull(target);
        stopTimer();
        over = true;
        answer = switched;
        client.write(switched);
        client.flush();
        to.live.remove(this); // the tie is counted in its place
        boolean webSocket = "websocket".equalsIgnoreCase(request.headers().get(HttpHeaderNames.UPGRADE));
        Tie tie = new Tie(port, client.channel(), webSocket, this::log);
        Upstream there = Objects.requireNonNull(upstream);
        tie.join(to, there.channel());
        there.leave();
        client.leave();
    }

    /** The connection broke before an answer: done again only where that cannot do anything twice. */
    void broken(Throwable cause) {
        if (over) {
            return; // it was ended here
        }
        if (upstream != null) {
            upstream.close();
            upstream = null;
        }
        if (clientEnded) {
            drop(); // it was told of its client's end, and takes that for a leave
            return;
        }
        if (target != null) {
            target.errors.increment();
        }
        String words = "the instance broke off: " + cause.getMessage();
        if (answer == null && !hasBody && IDEMPOTENT.contains(request.method())) {
            again(words);
        } else {
            end(HttpResponseStatus.BAD_GATEWAY, words, false);
        }
    }

    /** The one way in which a call fails: its target is free, its connection is given up, its client hears of it. */
    void end(HttpResponseStatus status, String words, boolean close) {
        if (!over) {
            abandon();
            port.errors.increment();
            if (answer != null) {
                client.cut();
            } else {
                client.answer(status, words, close || !keepAlive || port.handedOver());
            }
        }
    }

    /** Nobody wants it any more. */
    void abandon() {
        over = true;
        early.forEach(ReferenceCountUtil::release);
        early.clear();
        if (upstream != null) {
            upstream.close();
            upstream = null;
        }
        free();
    }

    @Override
    public boolean streams() {
        return eventStream;
    }

    /** An answer that has begun can only be broken off; its client sees that it is not whole. */
    @Override
    public void cut() {
        client.loop()
                .execute(() -> end(
                        HttpResponseStatus.SERVICE_UNAVAILABLE, "the instance was stopped before it answered", false));
    }

    private void log() {
        if (port.route().policy().accessLog()) {
            ACCESS.info(
                    "{} {} {} {} {} {} bytes {} us by {}",
                    port.route().listen(),
                    client.peer().address(),
                    request.method(),
                    request.uri(),
                    answer == null ? 0 : answer.status().code(),
                    bytes,
                    (System.nanoTime() - start) / 1000,
                    instance);
        }
    }

    private void free() {
        stopTimer();
        if (target != null) {
            port.done(target, this);
            target = null;
        }
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }
}
