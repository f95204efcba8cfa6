package dev.rollout.agent.gateway;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.PoolOptions;

/** Takes the HTTP requests of a port on one event loop, and sends each to a target on a connection of that loop. */
final class HttpFront extends VerticleBase {
    private static final int CONNECT_MILLIS = 2000;
    private static final int BACKLOG = 4096;
    /** Servers close what is idle after 5 s and more: a request must not meet that on its way. */
    private static final int IDLE_SECONDS = 4;

    private static final int MOST_CONNECTIONS = 20_000;
    private static final int HEAD_BYTES = 64 * 1024;

    private final Port port;
    private final String host;
    private final int bound;
    private HttpClient client;

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
                        .setKeepAliveTimeout(IDLE_SECONDS)
                        .setConnectTimeout(CONNECT_MILLIS)
                        .setMaxHeaderSize(HEAD_BYTES)
                        .setMaxChunkSize(HEAD_BYTES)
                        .setTcpNoDelay(true),
                new PoolOptions().setHttp1MaxSize(MOST_CONNECTIONS).setMaxWaitQueueSize(-1));
        HttpServerOptions options = new HttpServerOptions()
                .setAcceptBacklog(BACKLOG)
                .setMaxHeaderSize(HEAD_BYTES)
                .setMaxInitialLineLength(HEAD_BYTES)
                .setMaxChunkSize(HEAD_BYTES)
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true) // a client that has disappeared is noticed in the end
                .setHandle100ContinueAutomatically(true);
        Certificates certificates = new Certificates(port.route().policy().tls());
        certificates.use(options);
        HttpServer server = vertx.createHttpServer(options)
                .connectionHandler(connection -> {
                    port.connections.incrementAndGet();
                    atEnd(connection, () -> {});
                })
                .requestHandler(this::handle);
        return server.listen(bound, host)
                .onSuccess(listening -> certificates.watch(vertx, fresh -> server.updateSSLOptions(fresh, true)));
    }

    /** A connection has one handler of its end. */
    void atEnd(HttpConnection connection, Runnable also) {
        connection.closeHandler(gone -> {
            port.connections.decrementAndGet();
            also.run();
        });
    }

    HttpClient client() {
        return client;
    }

    Context context() {
        return context;
    }

    private void handle(HttpServerRequest request) {
        port.requests.increment();
        request.pause();
        long most = port.route().policy().maxBody();
        if (most > 0 && length(request) > most) {
            answer(request, 413, "a body has at most " + most + " bytes here");
            return;
        }
        port.takeOrWait()
                .onSuccess(target -> new Call(this, port, request, target).send())
                .onFailure(none -> answer(request, 503, "no instance is ready"));
    }

    /** What the client has announced; 0 where it has not. */
    static long length(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return length == null ? 0 : Long.parseLong(length); // the decoder lets nothing else through
    }

    /** An answer of the gateway's own, or the end of one that has begun. */
    void answer(HttpServerRequest request, int status, String words) {
        port.errors.increment();
        HttpServerResponse response = request.response();
        if (response.headWritten() || response.ended()) {
            request.connection().close(); // it is cut, and must look cut
            return;
        }
        request.resume();
        if (status == 413 || port.handedOver()) {
            response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        }
        response.setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/plain")
                .end(words + "\n");
    }
}
