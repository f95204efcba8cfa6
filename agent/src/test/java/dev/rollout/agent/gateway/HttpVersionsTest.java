package dev.rollout.agent.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.rollout.agent.model.PortPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients and instances of every version of HTTP, before and behind a front that speaks HTTP/1.1 to its instances. */
class HttpVersionsTest extends FrontFixture {
    private static final String OLD = "GET /old HTTP/1.0\r\n";

    /** An answer with a length to what the request says. */
    private static Backend echo() throws IOException {
        return new Backend((head, in, out) -> {
            byte[] body = head.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked")
                    ? chunks(in).getBytes()
                    : Backend.length(head, in);
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + body.length + "\r\n\r\n");
            out.write(body);
            out.flush();
        });
    }

    /** A body in chunks, up to the end of its trailers. */
    private static String chunks(InputStream in) throws IOException {
        StringBuilder body = new StringBuilder();
        while (true) {
            int size = Integer.parseInt(line(in), 16);
            if (size == 0) {
                break;
            }
            body.append(new String(in.readNBytes(size)));
            line(in);
        }
        for (String trailer = line(in); !trailer.isEmpty(); trailer = line(in)) {
            body.append('|').append(trailer);
        }
        return body.toString();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("closed");
            }
            line.append((char) c);
        }
        return line.toString().strip();
    }

    @Test
    void anOldClientIsServedToTheEndOfItsConnectionOrKept() throws Exception {
        Backend backend = new Backend((head, in, out) -> Backend.write(
                out,
                head.contains("/chunked")
                        ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold"));
        lead(backend);
        try (Client client = new Client()) {
            String all = client.send(OLD + "\r\n").rest();
            assertTrue(all.endsWith("\r\n\r\nold"), all);
        }
        assertTrue(backend.heads.getFirst().startsWith("GET /old HTTP/1.1\r\n"), "to the instance it is not old");
        assertTrue(
                backend.heads.getFirst().toLowerCase(Locale.ROOT).contains("\r\nhost: 127.0.0.1:" + number),
                backend.heads.toString());
        try (Client client = new Client()) {
            client.send(OLD + "Connection: keep-alive\r\n\r\n");
            String head = client.head();
            assertTrue(head.toLowerCase(Locale.ROOT).contains("connection: keep-alive"), head);
            assertEquals("old", new String(client.in.readNBytes(3)));
            String all = client.send("GET /chunked HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
                    .rest();
            assertTrue(all.endsWith("\r\n\r\nonetwo"), "without chunks, which it does not know: " + all);
        }
        awaitNoConnection();
    }

    @Test
    void anInstanceWithoutLengthsOrChunksEndsItsAnswerWithItsConnection() throws Exception {
        lead(new Backend((head, in, out) -> {
            Backend.write(out, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end");
            throw new IOException("the end");
        }));
        try (Client client = new Client()) {
            for (int i = 0; i < 3; i++) {
                assertTrue(client.send(GET).head().startsWith("HTTP/1.1 200 OK\r\n"));
                assertEquals("to the end", chunks(client.in), "on the same connection");
            }
        }
        awaitNoConnection();
    }

    @Test
    void theTrailersOfARequestReachTheInstance() throws Exception {
        lead(echo());
        try (Client client = new Client()) {
            client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
            client.send("5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");
            assertEquals("HTTP/1.1 200 OK|hello|x-sum: 42", client.answer().replace("X-Sum", "x-sum"));
        }
    }

    @Test
    void hintsPassBeforeTheAnswer() throws Exception {
        lead(new Backend((head, in, out) -> Backend.write(
                out,
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                        + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")));
        try (Client client = new Client()) {
            String hint = client.send(GET).head();
            assertTrue(hint.startsWith("HTTP/1.1 103 ") && hint.contains("</a.css>"), hint);
            assertEquals("HTTP/1.1 200 OK|ok", client.answer());
            assertTrue(client.send(OLD + "\r\n").head().startsWith("HTTP/1.1 200"), "an old client knows no hints");
        }
    }

    /** What is named in Connection goes, but nobody can take the frame of a message away by naming it. */
    @Test
    void theFrameOfAMessageCannotBeNamedAway() throws Exception {
        lead(echo());
        try (Client client = new Client()) {
            client.send(
                    "POST / HTTP/1.1\r\nHost: x\r\nConnection: content-length, host\r\nContent-Length: 2\r\n\r\nab");
            assertEquals("HTTP/1.1 200 OK|ab", client.answer());
            client.send(
                    "POST / HTTP/1.1\r\nHost: x\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n"
                            + "2\r\ncd\r\n0\r\n\r\n");
            assertEquals("HTTP/1.1 200 OK|cd", client.answer());
        }
    }

    /** The rest of a body that nobody wants any more is heard out, and the connection goes on. */
    @Test
    void anAnswerMayComeBeforeTheBodyIsThere() throws Exception {
        lead(new Backend((head, in, out) -> {
            if (head.startsWith("POST")) {
                Backend.write(out, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
                throw new IOException("done");
            }
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
        }));
        try (Client client = new Client()) {
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
            assertEquals("HTTP/1.1 403 Forbidden|no", client.answer());
            assertEquals("HTTP/1.1 200 OK|yes", client.send("def" + GET).answer());
        }
        awaitNoConnection();
    }

    @Test
    void manyPipelinedRequestsAreRefusedOneAfterTheOther() throws Exception {
        lead(PortPolicy.holding(0));
        try (Client client = new Client()) {
            client.send(GET.repeat(1000));
            for (int i = 0; i < 1000; i++) {
                assertTrue(client.answer().startsWith("HTTP/1.1 503"));
            }
        }
        awaitNoConnection();
    }

    /** Answers that nobody takes are not collected: the requests wait until they are. */
    @Test
    void aClientThatOnlyAsksIsNotServedAhead() throws Exception {
        String large = "x".repeat(100_000);
        Backend backend = Backend.saying(large);
        lead(backend);
        try (Client client = new Client()) {
            client.send(GET.repeat(500)); // 50 MB of answers
            Thread.sleep(1000);
            assertTrue(backend.heads.size() < 250, backend.heads.size() + " asked for already");
            for (int i = 0; i < 500; i++) {
                assertEquals(large.length(), Backend.length(client.head(), client.in).length);
            }
        }
        awaitNoConnection();
    }

    @Test
    void whatComesBeforeTheSwitchOfProtocolsIsNotLost() throws Exception {
        lead(new Backend((head, in, out) -> Backend.write(
                out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")));
        try (Client client = new Client()) {
            String all = client.send(
                            "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n" + GET)
                    .rest();
            assertTrue(all.startsWith("HTTP/1.1 400 "), "it is refused: " + all);
        }
        awaitNoConnection();
    }

    /** As curl --http2 and Java's client do it: the first request asks for HTTP/2, and is answered in it. */
    @Test
    void aClientThatAsksForHttp2GetsIt() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        Backend backend = new Backend((head, in, out) -> {
            byte[] body = Backend.length(head, in);
            if (head.contains("/slow")) {
                go.await();
            }
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + body.length + "\r\n\r\n");
            out.write(body);
            out.flush();
        });
        lead(backend);
        Backend next = echo();
        opened.add(next);
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            assertEquals("HTTP_2 200 ", ask(client, "/first", ""));
            CompletableFuture<HttpResponse<String>> slow =
                    client.sendAsync(request("/slow", "x".repeat(300_000)), HttpResponse.BodyHandlers.ofString());
            List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                all.add(client.sendAsync(request("/a" + i, "y" + i), HttpResponse.BodyHandlers.ofString()));
            }
            for (int i = 0; i < 50; i++) {
                assertEquals("y" + i, all.get(i).get(10, TimeUnit.SECONDS).body(), "beside the slow one");
            }
            port.point(route(5000, next));
            assertEquals("HTTP_2 200 next", ask(client, "/next", "next"), "streams are routed, not connections");
            go.countDown();
            assertEquals(300_000, slow.get(10, TimeUnit.SECONDS).body().length());
            assertEquals(1, port.connections.get());
        }
        String head = backend.heads.get(1).toLowerCase(Locale.ROOT);
        assertTrue(head.contains("\r\nhost: 127.0.0.1:" + number), head);
        assertFalse(head.contains("x-http2"), head);
        assertFalse(
                backend.heads.getFirst().toLowerCase(Locale.ROOT).contains("http2-settings"), backend.heads.getFirst());
        awaitNoConnection();
    }

    private HttpRequest request(String path, String body) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + number + path));
        return body.isEmpty()
                ? builder.build()
                : builder.POST(HttpRequest.BodyPublishers.ofString(body)).build();
    }

    private String ask(HttpClient client, String path, String body) throws Exception {
        HttpResponse<String> response = client.send(request(path, body), HttpResponse.BodyHandlers.ofString());
        return response.version() + " " + response.statusCode() + " " + response.body();
    }

    /** A stream whose instance breaks off is reset, and the others go on. */
    @Test
    void aStreamThatIsCutIsSeenToBeCut() throws Exception {
        lead(new Backend((head, in, out) -> {
            if (head.contains("/cut")) {
                Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this");
                throw new IOException("gone");
            }
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell");
        }));
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            assertEquals("HTTP_2 200 well", ask(client, "/", ""));
            AtomicReference<Exception> cut = new AtomicReference<>();
            try {
                ask(client, "/cut", "");
            } catch (IOException e) {
                cut.set(e);
            }
            assertTrue(String.valueOf(cut.get()).contains("RST_STREAM"), String.valueOf(cut.get()));
            assertEquals("HTTP_2 200 well", ask(client, "/", ""));
        }
        awaitNoConnection();
    }

    /** With the gateway's own upgrade new connections are the heir's: a client that keeps one is told so. */
    @Test
    void aConnectionOfHttp2IsToldToLeave() throws Exception {
        lead(echo());
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            assertEquals("HTTP_2 200 ", ask(client, "/", ""));
            port.handedOver(true);
            assertEquals("HTTP_2 200 a", ask(client, "/", "a"));
            awaitNoConnection();
            port.handedOver(false);
            assertEquals("HTTP_2 200 ", ask(client, "/", ""), "on a new one");
        }
    }

    @Test
    void httpTwoIsOfferedInTls(@TempDir Path folder) throws Exception {
        TestCertificate certificate = new TestCertificate(folder, "localhost");
        lead(new PortPolicy(5000, 0, 0, 0, false, List.of(certificate.files())), echo());
        try (HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_2)
                .sslContext(TestCertificate.trusting())
                .build()) {
            HttpResponse<String> response = client.send(
                    HttpRequest.newBuilder(URI.create("https://localhost:" + number + "/"))
                            .POST(HttpRequest.BodyPublishers.ofString("secret"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertEquals("HTTP_2 secret", response.version() + " " + response.body());
        }
        awaitNoConnection();
    }

    /**
     * The public suite of conformance to HTTP/2, h2spec, whose program is in an artefact of Maven Central. What fails is
     * what Netty's codec is known for, and excludes from its own run of the suite.
     */
    @Test
    void theConformanceSuiteOfHttp2Passes(@TempDir Path folder) throws Exception {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the suite is a program for this processor alone");
        lead(Backend.saying("hello"));
        Path packed = folder.resolve("h2spec.tar.gz");
        try (InputStream program = getClass().getResourceAsStream("/h2spec/2.2.0/h2spec_linux_amd64.tar.gz")) {
            Files.copy(program, packed);
        }
        assertEquals(
                0,
                new ProcessBuilder("tar", "xzf", packed.toString(), "-C", folder.toString())
                        .start()
                        .waitFor());
        Process suite = new ProcessBuilder(
                        folder.resolve("h2spec").toString(), "-h", "127.0.0.1", "-p", String.valueOf(number))
                .redirectErrorStream(true)
                .start();
        String report = new String(suite.getInputStream().readAllBytes());
        System.out.println("h2spec: " + report.lines().reduce((a, b) -> b).orElse("nothing"));
        Set<String> failed = new TreeSet<>();
        report.lines()
                .map(String::strip)
                .filter(line -> line.startsWith("×"))
                .forEach(line -> failed.add(line.replaceFirst("^× \\d+: ", "")));
        failed.removeAll(Set.of(
                "half closed (remote): Sends a HEADERS frame",
                "closed: Sends a HEADERS frame",
                "Sends stream identifier that is numerically smaller than previous",
                "Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1"));
        assertEquals(Set.of(), failed, report);
        assertTrue(report.contains("145 tests, 14"), report);
        awaitNoConnection();
    }
}
