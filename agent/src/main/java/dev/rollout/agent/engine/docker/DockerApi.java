package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.dockerjava.transport.DockerHttpClient;
import com.github.dockerjava.transport.DockerHttpClient.Request;
import com.github.dockerjava.transport.DockerHttpClient.Response;
import com.github.dockerjava.zerodep.ZerodepDockerHttpClient;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.EngineUnavailable;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.KeyManagementException;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Engine's HTTP API over docker-java's transport, as JSON trees: its typed model drops fields that Compose sets.
 *
 * <p>The transport has no timeout that works on a unix socket, so every call runs under a deadline of its own. Streams
 * have a client of their own, since they would starve the pool.
 */
final class DockerApi implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DockerApi.class);
    /** The newest version that this code was written for. */
    private static final Version OURS = new Version(1, 49);

    private static final Duration CALL = Duration.ofSeconds(30);
    private static final int CONNECTIONS = 16;

    /** An API version, such as 1.41. */
    record Version(int major, int minor) implements Comparable<Version> {
        static Version of(String text) {
            String[] parts = text.split("\\.", 2);
            return new Version(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
        }

        /** Refuses what an Engine would read over, as all of them do with what they do not know. */
        void needs(int least, String key) {
            if (compareTo(new Version(1, least)) < 0) {
                throw new EngineRefused(
                        0,
                        key + " needs an Engine with API 1." + least + "; this one has " + this
                                + ": remove the key, or upgrade the Engine");
            }
        }

        @Override
        public int compareTo(Version other) {
            return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
        }

        @Override
        public String toString() {
            return major + "." + minor;
        }
    }

    private final ObjectMapper json = new ObjectMapper();
    private final DockerHttpClient calls;
    private final DockerHttpClient streams;
    private final ExecutorService workers = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("docker-call-", 0).factory());
    private final Retry reads = Retry.of(
            "docker-read",
            RetryConfig.custom()
                    .maxAttempts(3)
                    .intervalFunction(IntervalFunction.of(Duration.ofMillis(100)))
                    .retryOnException(e -> e instanceof EngineUnavailable)
                    .build());
    private volatile @Nullable Version version;
    private volatile @Nullable JsonNode info;

    DockerApi(URI host) {
        calls = client(host, CONNECTIONS);
        streams = client(host, 64);
    }

    private static DockerHttpClient client(URI host, int connections) {
        return new ZerodepDockerHttpClient.Builder()
                .dockerHost(host)
                .maxConnections(connections)
                .connectionTimeout(Duration.ofSeconds(5))
                .sslConfig(DockerApi::noTls)
                .build();
    }

    /** An Engine is asked without TLS, for which all of the host's certificates would be read at each start. */
    private static SSLContext noTls() throws NoSuchAlgorithmException, KeyManagementException {
        SSLContext none = SSLContext.getInstance("TLS");
        none.init(new KeyManager[0], new TrustManager[0], null);
        return none;
    }

    /** The version that is spoken: the older of ours and the daemon's, asked again after the daemon was away. */
    Version version() {
        Version known = version;
        if (known == null) {
            JsonNode answer = reads.executeSupplier(() -> {
                try {
                    return call(Request.Method.GET, "/version", null, Map.of(), CALL);
                } catch (IOException e) {
                    throw new EngineUnavailable(words(e), e);
                }
            });
            Version daemon = Version.of(answer.path("ApiVersion").asText("1.41"));
            Version least = Version.of(answer.path("MinAPIVersion").asText("1.12"));
            known = daemon.compareTo(OURS) < 0 ? daemon : OURS;
            if (known.compareTo(least) < 0) {
                throw new EngineRefused(
                        0,
                        "the Engine speaks API " + least + " and newer; this Rollout speaks " + OURS
                                + " at most: upgrade it");
            }
            version = known;
        }
        return known;
    }

    /** What the daemon says of itself, asked again after it was away: it is a matter of its start. */
    JsonNode info() {
        JsonNode known = info;
        if (known == null) {
            known = get("/info");
            info = known;
        }
        return known;
    }

    /** Forgets the daemon: it may be another one now. */
    void forget() {
        version = null;
        info = null;
    }

    JsonNode get(String path) {
        return reads.executeSupplier(() -> request(Request.Method.GET, path, null, CALL));
    }

    JsonNode post(String path, @Nullable JsonNode body) {
        return request(Request.Method.POST, path, body, CALL);
    }

    JsonNode post(String path, @Nullable JsonNode body, Duration deadline) {
        return request(Request.Method.POST, path, body, deadline);
    }

    JsonNode delete(String path) {
        return request(Request.Method.DELETE, path, null, CALL);
    }

    /** Containers with all of the labels, stopped ones too. */
    JsonNode list(String... labels) {
        ObjectNode filters = JsonNodeFactory.instance.objectNode();
        for (String label : labels) {
            filters.withArray("label").add(label);
        }
        return get("/containers/json?all=true&filters=" + query(filters.toString()));
    }

    /** A container; empty where there is none. */
    Optional<JsonNode> inspect(String id) {
        try {
            return Optional.of(get("/containers/" + id + "/json"));
        } catch (EngineRefused e) {
            if (e.status() == 404) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Removes a container by force. Gone already is removed. */
    void remove(String id) {
        try {
            delete("/containers/" + id + "?force=true&v=true");
        } catch (EngineRefused e) {
            if (e.status() != 404 && e.status() != 409) { // 409: its removal is in progress already
                throw e;
            }
        }
    }

    void put(String path, byte[] body) {
        try {
            under(CALL, () -> {
                Request request = Request.builder()
                        .method(Request.Method.PUT)
                        .path("/v" + version() + path)
                        .putHeader("Content-Type", "application/x-tar")
                        .bodyBytes(body)
                        .build();
                try (Response response = calls.execute(request)) {
                    return read(response);
                }
            });
        } catch (IOException e) {
            throw new EngineUnavailable(words(e), e);
        }
    }

    private JsonNode request(Request.Method method, String path, @Nullable JsonNode body, Duration deadline) {
        long start = System.nanoTime();
        try {
            JsonNode answer = call(method, "/v" + version() + path, body, Map.of(), deadline);
            LOG.debug("{} {} took {} us", method, path, (System.nanoTime() - start) / 1000);
            return answer;
        } catch (IOException e) {
            forget();
            throw new EngineUnavailable(words(e), e);
        }
    }

    private JsonNode call(
            Request.Method method, String path, @Nullable JsonNode body, Map<String, String> headers, Duration deadline)
            throws IOException {
        return under(deadline, () -> {
            try (Response response = calls.execute(build(method, path, body, headers))) {
                return read(response);
            }
        });
    }

    private static Request build(
            Request.Method method, String path, @Nullable JsonNode body, Map<String, String> headers) {
        Request.Builder request = Request.builder().method(method).path(path).putAllHeaders(headers);
        if (body != null) {
            request.putHeader("Content-Type", "application/json")
                    .body(new ByteArrayInputStream(body.toString().getBytes(StandardCharsets.UTF_8)));
        }
        return request.build();
    }

    private JsonNode read(Response response) throws IOException {
        byte[] bytes = response.getBody().readAllBytes();
        if (response.getStatusCode() >= 400) {
            throw new EngineRefused(response.getStatusCode(), message(bytes));
        }
        return bytes.length == 0 ? MissingNode.getInstance() : json.readTree(bytes);
    }

    private String message(byte[] bytes) {
        try {
            return json.readTree(bytes).path("message").asText(new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private interface Work<T> {
        T run() throws IOException;
    }

    private <T> T under(Duration deadline, Work<T> work) throws IOException {
        Future<T> future = workers.submit(work::run);
        try {
            return future.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            future.cancel(true);
            throw new EngineUnavailable("no answer within " + deadline.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            future.cancel(true);
            Thread.currentThread().interrupt();
            throw new EngineUnavailable("interrupted", e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof EngineRefused refused) {
                throw new EngineRefused(refused.status(), String.valueOf(refused.getMessage()));
            }
            if (cause instanceof EngineUnavailable gone) {
                throw gone;
            }
            throw new IOException(words(cause == null ? e : cause), e);
        }
    }

    /** Takes what a stream brings, until it ends, on the caller's thread. */
    interface Taker {
        void take(InputStream body) throws IOException;
    }

    /** Opens a stream and hands it to the taker; interrupting the thread ends it. */
    void stream(Request.Method method, String path, @Nullable JsonNode body, Map<String, String> headers, Taker taker) {
        Request request = build(method, "/v" + version() + path, body, headers);
        try (Response response = streams.execute(request)) {
            if (response.getStatusCode() >= 400) {
                throw new EngineRefused(
                        response.getStatusCode(), message(response.getBody().readAllBytes()));
            }
            taker.take(response.getBody());
        } catch (IOException e) {
            throw new EngineUnavailable(words(e), e);
        } catch (EngineRefused e) {
            throw e;
        } catch (RuntimeException e) {
            throw new EngineUnavailable(words(e), e);
        }
    }

    /** The length that a frame's header of eight bytes tells. */
    static int frameLength(byte[] head) {
        return (head[4] & 0xff) << 24 | (head[5] & 0xff) << 16 | (head[6] & 0xff) << 8 | head[7] & 0xff;
    }

    /** Docker's frames of stdout and stderr, without their headers. */
    static byte[] frames(InputStream body, int most) throws IOException {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        byte[] head = new byte[8];
        while (out.size() < most && body.readNBytes(head, 0, 8) == 8) {
            byte[] frame = body.readNBytes(frameLength(head));
            out.write(frame, 0, frame.length);
        }
        return out.toByteArray();
    }

    static String query(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String words(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }

    @Override
    public void close() throws IOException {
        workers.shutdownNow();
        calls.close();
        streams.close();
    }
}
