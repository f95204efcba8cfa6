package dev.rollout.agent.gateway;

import io.vertx.core.Context;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.NetSocket;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request on its way to a target and back. */
final class Call implements Exchange {
    private static final Logger ACCESS = LoggerFactory.getLogger("access");
    /** They belong to one connection, not to the request: RFC 9110, 7.6.1. */
    private static final Set<String> HOP_BY_HOP = caseless(
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private static final Set<HttpMethod> IDEMPOTENT =
            Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS, HttpMethod.PUT, HttpMethod.DELETE);

    private final HttpFront front;
    private final Port port;
    private final Context context;
    private final HttpServerRequest request;
    private final long start = System.nanoTime();
    private final boolean hasBody;
    private Target target;
    private @Nullable Target failed;
    private @Nullable HttpClientRequest sent;
    private boolean counted = true;
    private boolean eventStream;
    private long uploaded;
    private long timer = -1;

    private static Set<String> caseless(String... names) {
        Set<String> set = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        set.addAll(List.of(names));
        return set;
    }

    Call(HttpFront front, Port port, HttpServerRequest request, Target target) {
        this.front = front;
        this.port = port;
        this.context = front.context();
        this.request = request;
        this.target = target;
        this.hasBody = request.headers().contains(HttpHeaders.TRANSFER_ENCODING) || HttpFront.length(request) > 0;
    }

    void send() {
        port.begun(target, this);
        front.client()
                .request(new RequestOptions()
                        .setServer(target.address)
                        .setMethod(request.method())
                        .setURI(request.uri()))
                .onSuccess(this::forward)
                .onFailure(this::unreachable);
    }

    /** Nothing was sent: another target may have it, once. */
    private void unreachable(Throwable cause) {
        target.eject();
        again("the instance cannot be reached: " + cause.getMessage());
    }

    private void again(String words) {
        free();
        if (failed == null) {
            failed = target;
            Target other = port.take(target);
            if (other != null) {
                port.retries.increment();
                target = other;
                counted = true;
                send();
                return;
            }
        }
        front.answer(request, 502, words);
    }

    private void forward(HttpClientRequest out) {
        if (request.response().closed() || request.response().ended()) {
            out.reset(); // the client was gone, or refused, or cut, before the target was reached
            free();
            return;
        }
        sent = out;
        boolean upgrade = request.headers().contains(HttpHeaders.UPGRADE)
                && !"h2c".equalsIgnoreCase(request.getHeader(HttpHeaders.UPGRADE));
        copy(request.headers(), out.headers());
        about(out.headers());
        if (upgrade) {
            out.putHeader(HttpHeaders.CONNECTION, "Upgrade");
            out.putHeader(HttpHeaders.UPGRADE, request.getHeader(HttpHeaders.UPGRADE));
            out.connect().onSuccess(this::tunnel).onFailure(e -> broken(e, false));
            return;
        }
        request.response().exceptionHandler(gone -> out.reset());
        request.response().closeHandler(gone -> giveUp(out));
        if (hasBody && request.version() != HttpVersion.HTTP_2) {
            front.atEnd(request.connection(), () -> giveUp(out)); // a body that is no HTTP ends in no other way
        }
        out.response().onSuccess(this::relay).onFailure(e -> broken(e, true));
        long timeout = port.route().policy().timeout();
        if (timeout > 0) {
            timer = context.owner().setTimer(timeout, late -> tooLate());
        }
        if (hasBody) {
            if (request.getHeader(HttpHeaders.CONTENT_LENGTH) == null) {
                out.setChunked(true);
            }
            upload(out);
        } else {
            request.resume();
            out.end();
        }
    }

    /** With back-pressure, counted, and no more of it than the port takes. */
    private void upload(HttpClientRequest out) {
        long most = port.route().policy().maxBody();
        request.exceptionHandler(e -> out.reset());
        request.handler(data -> {
            uploaded += data.length();
            if (most > 0 && uploaded > most) {
                request.handler(null);
                end(413, "a body has at most " + most + " bytes here");
                return;
            }
            out.write(data);
            if (out.writeQueueFull()) {
                request.pause();
                out.drainHandler(room -> request.resume());
            }
        });
        request.endHandler(end -> {
            port.bytesIn.add(uploaded);
            out.end();
        });
        request.resume();
    }

    private void tooLate() {
        if (counted && !request.response().headWritten()) {
            target.errors.increment();
            end(504, "the instance did not begin its answer in time");
        }
    }

    /** The one way in which a call fails: its target is free, its connection is given up, its client hears of it. */
    private void end(int status, String words) {
        HttpClientRequest out = sent;
        free();
        if (out != null) {
            out.reset();
        }
        if (!request.response().closed()) {
            front.answer(request, status, words);
        }
    }

    @Override
    public boolean streams() {
        return eventStream;
    }

    /** An answer that has begun can only be broken off; its client sees that it is not whole. */
    @Override
    public void cut() {
        context.runOnContext(now -> {
            if (counted) {
                end(503, "the instance was stopped before it answered");
            }
        });
    }

    private void giveUp(HttpClientRequest out) {
        if (counted) {
            out.reset();
            free();
        }
    }

    /** The connection broke before an answer: done again only where that cannot do anything twice. */
    private void broken(Throwable cause, boolean mayRetry) {
        if (!counted) {
            return; // it was ended here
        }
        target.errors.increment();
        if (mayRetry
                && !hasBody
                && IDEMPOTENT.contains(request.method())
                && !request.response().closed()) {
            request.pause();
            again("the instance broke off: " + cause.getMessage());
            return;
        }
        end(502, "the instance broke off: " + cause.getMessage());
    }

    private void copy(MultiMap from, MultiMap to) {
        String named = from.get(HttpHeaders.CONNECTION);
        for (Map.Entry<String, String> header : from) {
            String name = header.getKey();
            if (!HOP_BY_HOP.contains(name) && (named == null || !named(named, name))) {
                to.add(name, header.getValue());
            }
        }
    }

    private static boolean named(String connection, String name) {
        for (String word : connection.split(",")) {
            if (word.strip().equalsIgnoreCase(name)) {
                return true;
            }
        }
        return false;
    }

    /** Who asked, and how: what a proxy tells those behind it. */
    private void about(MultiMap headers) {
        String client = request.remoteAddress().hostAddress();
        String before = headers.get("X-Forwarded-For");
        headers.set("X-Forwarded-For", before == null ? client : before + ", " + client);
        if (!headers.contains("X-Forwarded-Proto")) {
            headers.set("X-Forwarded-Proto", request.isSSL() ? "https" : "http");
        }
        String authority =
                request.authority() == null ? null : request.authority().toString();
        if (authority != null) {
            headers.set(HttpHeaders.HOST, authority);
            if (!headers.contains("X-Forwarded-Host")) {
                headers.set("X-Forwarded-Host", authority);
            }
        }
        if (!headers.contains("X-Request-Id")) {
            headers.set(
                    "X-Request-Id", Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE));
        }
    }

    private void relay(HttpClientResponse in) {
        HttpServerResponse out = request.response();
        if (out.closed()) {
            free();
            return;
        }
        out.setStatusCode(in.statusCode()).setStatusMessage(in.statusMessage());
        copy(in.headers(), out.headers());
        if (port.handedOver() && request.version() != HttpVersion.HTTP_2) {
            out.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        }
        String type = in.getHeader(HttpHeaders.CONTENT_TYPE);
        eventStream = type != null && type.startsWith("text/event-stream");
        boolean empty = request.method() == HttpMethod.HEAD || in.statusCode() == 204 || in.statusCode() == 304;
        if (empty) {
            in.resume();
            out.end().onComplete(done -> finish());
            return;
        }
        if (in.getHeader(HttpHeaders.CONTENT_LENGTH) == null) {
            out.setChunked(true);
        }
        in.pipe()
                .endOnComplete(false)
                .to(out)
                .onSuccess(done -> {
                    if (out.isChunked()) {
                        out.trailers().addAll(in.trailers());
                    }
                    out.end().onComplete(ended -> finish());
                })
                .onFailure(cut -> {
                    target.errors.increment();
                    end(502, "the instance broke off");
                });
    }

    /** After the switch of protocols the bytes go as they are, both ways, with back-pressure. */
    private void tunnel(HttpClientResponse in) {
        HttpServerResponse out = request.response();
        out.setStatusCode(in.statusCode()).setStatusMessage(in.statusMessage());
        in.headers().forEach(header -> out.headers().add(header.getKey(), header.getValue()));
        if (in.statusCode() != 101) {
            relay(in);
            return;
        }
        boolean webSocket = "websocket".equalsIgnoreCase(request.getHeader(HttpHeaders.UPGRADE));
        NetSocket there = in.netSocket();
        there.pause();
        request.toNetSocket()
                .onSuccess(here -> {
                    here.pause();
                    target.live.remove(this); // the tie is counted in its place
                    counted = false;
                    new Tie(context, port, target, here, there, webSocket).tie(() -> {
                        port.connections.decrementAndGet(); // the connection's own handler is not called any more
                        log();
                    });
                })
                .onFailure(e -> {
                    there.close();
                    free();
                });
    }

    private void finish() {
        port.latency.record(System.nanoTime() - start);
        port.bytesOut.add(request.response().bytesWritten());
        free();
        log();
    }

    private void log() {
        if (port.route().policy().accessLog()) {
            ACCESS.info(
                    "{} {} {} {} {} {} bytes {} us by {}",
                    port.route().listen(),
                    request.remoteAddress().hostAddress(),
                    request.method(),
                    request.uri(),
                    request.response().getStatusCode(),
                    request.response().bytesWritten(),
                    (System.nanoTime() - start) / 1000,
                    target.backend.instance());
        }
    }

    private void free() {
        if (timer >= 0) {
            context.owner().cancelTimer(timer);
            timer = -1;
        }
        if (counted) {
            counted = false;
            port.done(target, this);
        }
    }
}
