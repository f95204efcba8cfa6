package dev.rollout.agent.gateway;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.NetSocket;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Takes the HTTP requests of a port on one event loop, and sends each to a target on a connection of that loop. */
final class HttpFront extends VerticleBase {
    private static final int CONNECT_MILLIS = 2000;
    private static final int BACKLOG = 4096;
    private static final int MOST_CONNECTIONS = 20_000;
    private static final int HEAD_BYTES = 64 * 1024;
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

    private final Port port;
    private final String host;
    private final int bound;
    private HttpClient client;

    private static Set<String> caseless(String... names) {
        Set<String> set = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        set.addAll(List.of(names));
        return set;
    }

    /** @param bound the port to listen on: the published one, or the one that connections are redirected to */
    @SuppressWarnings("NullAway.Init") // start() makes the client before anything is asked
    HttpFront(Port port, String host, int bound) {
        this.port = port;
        this.host = host;
        this.bound = bound;
    }

    @Override
    public Future<?> start() {
        client = vertx.createHttpClient(
                new HttpClientOptions()
                        .setKeepAlive(true)
                        .setConnectTimeout(CONNECT_MILLIS)
                        .setMaxHeaderSize(HEAD_BYTES)
                        .setMaxChunkSize(HEAD_BYTES)
                        .setTcpNoDelay(true),
                new PoolOptions().setHttp1MaxSize(MOST_CONNECTIONS).setMaxWaitQueueSize(-1));
        return vertx.createHttpServer(new HttpServerOptions()
                        .setAcceptBacklog(BACKLOG)
                        .setMaxHeaderSize(HEAD_BYTES)
                        .setMaxInitialLineLength(HEAD_BYTES)
                        .setMaxChunkSize(HEAD_BYTES)
                        .setTcpNoDelay(true)
                        .setHandle100ContinueAutomatically(true))
                .requestHandler(this::handle)
                .listen(bound, host);
    }

    private void handle(HttpServerRequest request) {
        port.requests.increment();
        request.pause();
        port.takeOrWait()
                .onSuccess(target -> new Exchange(request, target).send())
                .onFailure(none -> answer(request, 503, "no instance is ready"));
    }

    private void answer(HttpServerRequest request, int status, String words) {
        port.errors.increment();
        HttpServerResponse response = request.response();
        if (response.headWritten() || response.ended()) {
            request.connection().close(); // it is cut, and must look cut
            return;
        }
        request.resume();
        response.setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/plain")
                .end(words + "\n");
    }

    /** One request on its way to a target and back. */
    private final class Exchange {
        private final HttpServerRequest request;
        private final long start = System.nanoTime();
        private final boolean hasBody;
        private Target target;
        private @Nullable Target failed;
        private boolean counted = true;

        Exchange(HttpServerRequest request, Target target) {
            this.request = request;
            this.target = target;
            String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
            this.hasBody =
                    request.headers().contains(HttpHeaders.TRANSFER_ENCODING) || length != null && !length.equals("0");
        }

        void send() {
            client.request(new RequestOptions()
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
            answer(request, 502, words);
        }

        private void forward(HttpClientRequest out) {
            if (request.response().closed() || request.response().ended()) {
                giveUp(out); // the client was gone, or refused, before the target was reached
                return;
            }
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
                request.connection().closeHandler(gone -> giveUp(out)); // a body that is no HTTP ends in no other way
            }
            out.response().onSuccess(this::relay).onFailure(e -> broken(e, true));
            if (hasBody) {
                if (request.getHeader(HttpHeaders.CONTENT_LENGTH) == null) {
                    out.setChunked(true);
                }
                request.pipeTo(out).onFailure(e -> out.reset());
            } else {
                request.resume();
                out.end();
            }
        }

        private void giveUp(HttpClientRequest out) {
            if (counted) {
                out.reset();
                free();
            }
        }

        /** The connection broke before an answer: done again only where that cannot do anything twice. */
        private void broken(Throwable cause, boolean mayRetry) {
            target.errors.increment();
            if (mayRetry
                    && !hasBody
                    && IDEMPOTENT.contains(request.method())
                    && !request.response().closed()) {
                request.pause();
                again("the instance broke off: " + cause.getMessage());
                return;
            }
            free();
            if (!request.response().closed()) {
                answer(request, 502, "the instance broke off: " + cause.getMessage());
            }
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
        }

        private void relay(HttpClientResponse in) {
            HttpServerResponse out = request.response();
            if (out.closed()) {
                free();
                return;
            }
            out.setStatusCode(in.statusCode()).setStatusMessage(in.statusMessage());
            copy(in.headers(), out.headers());
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
                        free();
                        if (!out.closed()) {
                            answer(request, 502, "the instance broke off");
                        }
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
            NetSocket there = in.netSocket();
            there.pause();
            request.toNetSocket()
                    .onSuccess(here -> {
                        here.closeHandler(gone -> {
                            there.close();
                            finish();
                        });
                        there.closeHandler(gone -> here.close());
                        here.pipeTo(there);
                        there.pipeTo(here);
                    })
                    .onFailure(e -> {
                        there.close();
                        free();
                    });
        }

        private void finish() {
            port.latency.record(System.nanoTime() - start);
            free();
        }

        private void free() {
            if (counted) {
                counted = false;
                port.done(target);
            }
        }
    }
}
