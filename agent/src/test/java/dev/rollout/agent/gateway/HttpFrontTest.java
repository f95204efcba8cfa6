package dev.rollout.agent.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.model.PortPolicy;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The data plane on real sockets, with instances and clients that do what real ones do at their worst. */
class HttpFrontTest extends FrontFixture {
    @Test
    void requestsAreRoutedNotConnections() throws Exception {
        Backend one = Backend.saying("one");
        Backend two = Backend.saying("two");
        lead(one);
        opened.add(two);
        try (Client client = new Client()) {
            assertEquals("HTTP/1.1 200 OK|one", client.send(GET).answer());
            port.point(route(5000, two));
            assertEquals("HTTP/1.1 200 OK|two", client.send(GET).answer(), "on the same connection");
        }
        assertTrue(one.heads.getFirst().startsWith("GET /a?b=c HTTP/1.1\r\n"), one.heads.toString());
        String head = one.heads.getFirst().toLowerCase(java.util.Locale.ROOT);
        assertTrue(head.contains("host: shop.example\r\n"), head);
        assertTrue(head.contains("x-forwarded-for: 127.0.0.1\r\n"), head);
        assertTrue(head.contains("x-forwarded-proto: http\r\n"), head);
    }

    @Test
    void whatBelongsToAConnectionStaysOnIt() throws Exception {
        Backend backend = new Backend((head, in, out) -> Backend.write(
                out, "HTTP/1.1 200 OK\r\nConnection: X-Mine\r\nX-Mine: 1\r\nX-Yours: 2\r\nContent-Length: 0\r\n\r\n"));
        lead(backend);
        try (Client client = new Client()) {
            client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\n\r\n");
            String answer = client.head().toLowerCase(java.util.Locale.ROOT);
            assertFalse(answer.contains("x-mine"), answer);
            assertTrue(answer.contains("x-yours: 2"), answer);
        }
        assertFalse(backend.heads.getFirst().toLowerCase(java.util.Locale.ROOT).contains("x-secret"));
    }

    @Test
    void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
        AtomicInteger count = new AtomicInteger();
        lead(new Backend((head, in, out) -> {
            String body = "n" + count.incrementAndGet();
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body);
        }));
        try (Client client = new Client()) {
            client.send(GET + GET + GET);
            assertEquals(
                    List.of("HTTP/1.1 200 OK|n1", "HTTP/1.1 200 OK|n2", "HTTP/1.1 200 OK|n3"),
                    List.of(client.answer(), client.answer(), client.answer()));
        }
    }

    @Test
    void chunksAndTrailersPassBothWays() throws Exception {
        lead(new Backend((head, in, out) -> {
            StringBuilder body = new StringBuilder();
            while (!body.toString().endsWith("0\r\n\r\n")) {
                body.append((char) in.read());
            }
            Backend.write(
                    out,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                            + body.toString().replace("0\r\n\r\n", "0\r\nX-Sum: 42\r\n\r\n"));
        }));
        try (Client client = new Client()) {
            client.send(
                    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
            String head = client.head();
            assertTrue(head.toLowerCase(java.util.Locale.ROOT).contains("transfer-encoding: chunked"), head);
            StringBuilder body = new StringBuilder();
            while (!body.toString().endsWith("\r\n\r\n")) {
                body.append((char) client.in.read());
            }
            assertTrue(body.toString().toLowerCase(java.util.Locale.ROOT).contains("x-sum: 42"), body.toString());
            assertTrue(body.toString().contains("hello") && body.toString().contains(" world"), body.toString());
        }
    }

    @Test
    void headAndNoContentHaveNoBody() throws Exception {
        lead(new Backend((head, in, out) -> Backend.write(
                out,
                head.startsWith("HEAD")
                        ? "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                        : "HTTP/1.1 204 No Content\r\n\r\n")));
        try (Client client = new Client()) {
            String head = client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").head();
            assertTrue(head.toLowerCase(java.util.Locale.ROOT).contains("content-length: 1000"), head);
            assertTrue(client.send(GET).head().startsWith("HTTP/1.1 204"));
            assertTrue(client.send(GET).head().startsWith("HTTP/1.1 204"), "the connection is in step");
        }
    }

    @Test
    void aClientThatWaitsFor100ContinueGetsIt() throws Exception {
        lead(new Backend((head, in, out) -> {
            String body = new String(Backend.length(head, in));
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
        }));
        try (Client client = new Client()) {
            client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
            assertTrue(client.head().startsWith("HTTP/1.1 100"));
            assertEquals("HTTP/1.1 200 OK|hello", client.send("hello").answer());
        }
    }

    @Test
    void aTunnelPassesBytesBothWays() throws Exception {
        lead(new Backend((head, in, out) -> {
            Backend.write(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
            for (int c = in.read(); c >= 0; c = in.read()) {
                out.write(c);
                out.flush();
            }
        }));
        try (Client client = new Client()) {
            client.send("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
            String head = client.head();
            assertTrue(head.startsWith("HTTP/1.1 101"), head);
            assertTrue(head.toLowerCase(java.util.Locale.ROOT).contains("upgrade: echo"), head);
            client.send("ping");
            assertEquals("ping", new String(client.in.readNBytes(4)));
            assertEquals(1, port.all().getFirst().inFlight.get(), "an open tunnel is in flight");
        }
        awaitNoConnection();
    }

    private static PortPolicy streams(long millis) {
        return new PortPolicy(5000, 0, millis, 0, false, List.of());
    }

    /** A WebSocket of a version that was replaced: its client hears that it should connect anew, and when. */
    @Test
    void aWebSocketIsClosedInGoodOrderAtItsDeadline() throws Exception {
        lead(streams(300), new Backend((head, in, out) -> {
            Backend.write(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            Backend.write(out, "\u0081\u0005hello"); // a whole frame
            in.readAllBytes();
        }));
        Backend next = Backend.saying("next");
        opened.add(next);
        try (Client client = new Client()) {
            client.send("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            assertTrue(client.head().startsWith("HTTP/1.1 101"));
            assertEquals("\u0005hello", client.frame());
            port.point(route(streams(300), next));
            assertEquals("\u0002\u0003\u00e9", client.frame(), "1001, going away");
            assertEquals("", client.rest());
        }
        awaitNoConnection();
        assertEquals(1, port.cut.sum());
    }

    @Test
    void anEventStreamEndsAtItsDeadlineAndAnAnswerDoesNot() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        lead(streams(200), new Backend((head, in, out) -> {
            boolean stream = head.startsWith("GET /events");
            Backend.write(
                    out,
                    "HTTP/1.1 200 OK\r\n" + (stream ? "Content-Type: text/event-stream\r\n" : "")
                            + "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
            go.await();
            Backend.write(out, "3\r\ntwo\r\n0\r\n\r\n");
        }));
        Backend next = Backend.saying("next");
        opened.add(next);
        try (Client events = new Client();
                Client answer = new Client()) {
            events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
            answer.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
            assertTrue(events.head().startsWith("HTTP/1.1 200"));
            assertTrue(answer.head().startsWith("HTTP/1.1 200"));
            port.point(route(streams(200), next));
            assertFalse(events.rest().contains("two"), "cut");
            go.countDown();
            StringBuilder rest = new StringBuilder();
            while (!rest.toString().endsWith("0\r\n\r\n")) {
                rest.append((char) answer.in.read());
            }
            assertTrue(rest.toString().contains("two"), rest.toString());
        }
        awaitIdle();
        assertEquals(1, port.cut.sum());
        assertEquals(1, port.drained());
    }

    @Test
    void anInstanceThatDoesNotBeginItsAnswerInTimeIsA504() throws Exception {
        lead(new PortPolicy(5000, 200, 0, 0, false, List.of()), new Backend((head, in, out) -> Thread.sleep(60_000)));
        try (Client client = new Client()) {
            assertTrue(client.send(GET).answer().startsWith("HTTP/1.1 504"));
        }
        awaitIdle();
    }

    @Test
    void aBodyThatIsTooLargeIsRefusedBeforeOrWhileItComes() throws Exception {
        Backend backend = Backend.saying("stored");
        lead(new PortPolicy(5000, 0, 0, 10, true, List.of()), backend);
        try (Client client = new Client()) {
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789");
            assertEquals("HTTP/1.1 200 OK|stored", client.answer());
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
            assertTrue(client.answer().startsWith("HTTP/1.1 413"));
        }
        try (Client client = new Client()) {
            client.send(
                    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n");
            assertTrue(client.answer().startsWith("HTTP/1.1 413"));
        }
        awaitIdle();
        assertEquals(
                1,
                backend.heads.stream()
                        .filter(head -> head.contains("ength: 10"))
                        .count());
    }

    /** The host that a client names chooses the certificate; files that change are taken up, without a restart. */
    @Test
    void tlsEndsHereWithTheCertificateOfTheHostThatIsNamed(@TempDir Path folder) throws Exception {
        TestCertificate a = new TestCertificate(folder, "a.example");
        TestCertificate b = new TestCertificate(folder, "b.example");
        PortPolicy tls = new PortPolicy(5000, 0, 0, 0, false, List.of(a.files(), b.files()));
        Backend backend = Backend.saying("secret");
        lead(tls, backend);
        assertEquals("CN=a.example|HTTP/1.1 200 OK|secret", a.ask(number, "a.example"));
        assertEquals("CN=b.example|HTTP/1.1 200 OK|secret", b.ask(number, "b.example"));
        assertTrue(backend.heads.getFirst().toLowerCase(java.util.Locale.ROOT).contains("x-forwarded-proto: https"));
        String serial = a.serial(number, "a.example");
        a.renew();
        for (int i = 0; i < 500 && a.serial(number, "a.example").equals(serial); i++) {
            Thread.sleep(20);
        }
        assertFalse(a.serial(number, "a.example").equals(serial), "the new certificate");
        Files.writeString(Path.of(a.files().cert()), "nonsense");
        Thread.sleep(1500);
        assertEquals("CN=a.example|HTTP/1.1 200 OK|secret", a.ask(number, "a.example"), "a broken file is not taken");
    }

    @Test
    void anInstanceMayRefuseAnUpgrade() throws Exception {
        lead(new Backend(
                (head, in, out) -> Backend.write(out, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")));
        try (Client client = new Client()) {
            client.send("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            assertEquals("HTTP/1.1 403 Forbidden|no", client.answer());
        }
        awaitNoConnection();
    }

    @Test
    void aBodyOfAnySizeStreamsWithoutBeingKept() throws Exception {
        long size = 200L << 20;
        lead(new Backend((head, in, out) -> {
            long read = 0;
            byte[] chunk = new byte[65536];
            while (read < size) {
                int n = in.read(chunk);
                if (n < 0) {
                    return;
                }
                read += n;
            }
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n");
            for (long sent = 0; sent < size; sent += chunk.length) {
                out.write(chunk, 0, (int) Math.min(chunk.length, size - sent));
            }
            out.flush();
        }));
        Runtime runtime = Runtime.getRuntime();
        try (Client client = new Client()) {
            client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + size + "\r\n\r\n");
            byte[] chunk = new byte[65536];
            for (long sent = 0; sent < size; sent += chunk.length) {
                client.socket.getOutputStream().write(chunk);
            }
            assertTrue(client.head().startsWith("HTTP/1.1 200"));
            Thread.sleep(500); // a slow reader: the gateway must not read ahead for it
            System.gc();
            long used = runtime.totalMemory() - runtime.freeMemory();
            assertTrue(used < size, "read ahead: " + (used >> 20) + " MiB in use");
            long got = 0;
            while (got < size) {
                int n = client.in.read(chunk);
                assertTrue(n > 0, "cut after " + got);
                got += n;
            }
        }
        awaitIdle();
    }

    @Test
    void anAnswerThatIsCutIsSeenToBeCut() throws Exception {
        lead(new Backend((head, in, out) -> {
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this");
            throw new IOException("gone");
        }));
        try (Client client = new Client()) {
            client.send(GET);
            assertTrue(client.head().startsWith("HTTP/1.1 200"));
            assertEquals("only this", client.rest(), "and then the end of the connection, not of the answer");
        }
        awaitIdle();
    }

    @Test
    void aConnectionThatClosedBeforeTheAnswerIsTriedOnceMoreWhereThatIsSafe() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Backend broken = new Backend((head, in, out) -> {
            asked.incrementAndGet();
            throw new IOException("gone");
        });
        Backend well = Backend.saying("well");
        lead(broken, well);
        for (int i = 0; i < 4; i++) {
            try (Client client = new Client()) {
                assertEquals("HTTP/1.1 200 OK|well", client.send(GET).answer());
            }
        }
        int before = asked.get() + well.heads.size();
        port.point(route(5000, broken));
        try (Client client = new Client()) {
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nbuy");
            assertTrue(client.answer().startsWith("HTTP/1.1 502"));
        }
        assertEquals(before + 1, asked.get() + well.heads.size(), "what could be done twice is done once");
        awaitIdle();
    }

    /** Its container is starting again, say: nothing was sent, so a request can wait for it as for any other. */
    @Test
    void anInstanceThatJustRefusesConnectionsIsWaitedFor() throws Exception {
        Backend dead = Backend.saying("dead");
        dead.close();
        lead(PortPolicy.holding(20_000), dead);
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            clients.add(new Client().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nbuy"));
        }
        while (port.held.sum() < 10) {
            Thread.sleep(10);
        }
        try (Backend back = Backend.saying(dead.port(), "back")) {
            for (Client client : clients) {
                assertEquals("HTTP/1.1 200 OK|back", client.answer());
                client.close();
            }
            assertEquals(10, back.heads.size());
            awaitIdle();
        }
    }

    @Test
    void anInstanceThatStaysAwayIsWaitedForOnce() throws Exception {
        Backend dead = Backend.saying("dead");
        dead.close();
        lead(PortPolicy.holding(300), dead);
        for (int i = 0; i < 3; i++) {
            try (Client client = new Client()) {
                assertTrue(client.send(GET).answer().startsWith("HTTP/1.1 502"));
            }
        }
        assertEquals(1, port.held.sum(), "it has been away for longer than the others would wait");
        port.point(route(300));
        port.point(route(300, dead));
        try (Client client = new Client()) {
            assertTrue(client.send(GET).answer().startsWith("HTTP/1.1 502"));
        }
        assertEquals(2, port.held.sum(), "it was started again: how it was before does not count");
        awaitIdle();
    }

    @Test
    void anInstanceThatRefusesConnectionsIsPassedOver() throws Exception {
        Backend dead = Backend.saying("dead");
        Backend well = Backend.saying("well");
        lead(dead, well);
        dead.close();
        for (int i = 0; i < 20; i++) {
            try (Client client = new Client()) {
                client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nbuy");
                assertEquals(
                        "HTTP/1.1 200 OK|well", client.answer(), "nothing was sent to the other, so it may be tried");
            }
        }
        assertTrue(port.retries.sum() >= 1);
    }

    @Test
    void badHttpFromAnInstanceIsA502() throws Exception {
        lead(new Backend((head, in, out) -> {
            Backend.write(out, "WHAT IS THIS\r\n\r\n");
            throw new IOException("gone");
        }));
        try (Client client = new Client()) {
            assertTrue(client.send(GET).answer().startsWith("HTTP/1.1 502"));
        }
        awaitIdle();
    }

    /** As "printf … | nc -N" does it. The instance hears of it, as it would without a gateway. */
    @Test
    void aClientThatHasEndedItsSideGetsItsAnswers() throws Exception {
        int size = 8 << 20;
        CountDownLatch ended = new CountDownLatch(1);
        lead(new Backend((head, in, out) -> {
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n");
            if (head.startsWith("GET /last")) {
                assertEquals(-1, in.read());
                ended.countDown();
            }
            out.write(new byte[size]);
        }));
        try (Client client = new Client()) {
            client.send(GET + "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
            client.socket.shutdownOutput();
            String first = client.head();
            assertFalse(first.toLowerCase(java.util.Locale.ROOT).contains("connection: close"), first);
            assertEquals(size, client.in.readNBytes(size).length);
            assertTrue(client.head().startsWith("HTTP/1.1 200"));
            assertTrue(ended.await(5, TimeUnit.SECONDS));
            Thread.sleep(300); // slow to take it
            assertEquals(size, client.in.readAllBytes().length);
        }
        awaitNoConnection();
        assertEquals(0, port.errors.sum());
    }

    /** It has said all and closed, long before its client has taken that. */
    @Test
    void anInstanceThatHasClosedIsReadToItsEnd() throws Exception {
        int size = 16 << 20;
        lead(new Backend((head, in, out) -> {
            Backend.write(out, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + size + "\r\n\r\n");
            out.write(new byte[size]);
            throw new IOException("closes");
        }));
        for (int i = 0; i < 5; i++) {
            try (Client client = new Client()) {
                client.send(GET);
                assertTrue(client.head().startsWith("HTTP/1.1 200"));
                int got = 0;
                while (got < size) {
                    Thread.sleep(5); // slow to take it
                    int more = client.in.readNBytes(Math.min(size - got, 200_000)).length;
                    assertTrue(more > 0, "cut after " + got);
                    got += more;
                }
            }
        }
        awaitIdle();
    }

    @Test
    void halfARequestAtTheEndIsNone() throws Exception {
        Backend backend = Backend.saying("well");
        lead(backend);
        try (Client client = new Client()) {
            client.send(GET + "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nbu");
            client.socket.shutdownOutput();
            assertEquals("HTTP/1.1 200 OK|well", client.answer());
            assertEquals("", client.rest());
        }
        awaitNoConnection();
    }

    /** It may have left while it waited: what nobody waits for is not begun. */
    @Test
    void whatIsHeldForAClientThatEndsIsDropped() throws Exception {
        Backend backend = Backend.saying("well");
        lead();
        try (Client client = new Client()) {
            client.send(GET);
            while (port.held.sum() == 0) {
                Thread.onSpinWait();
            }
            client.socket.shutdownOutput();
            assertEquals("", client.rest());
        }
        opened.add(backend);
        port.point(route(5000, backend));
        awaitNoConnection();
        assertEquals(List.of(), backend.heads);
    }

    @Test
    void aClientThatGoesAwayFreesItsTarget() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        lead(new Backend((head, in, out) -> {
            asked.countDown();
            Thread.sleep(60_000); // accepts and never answers
        }));
        try (Client client = new Client()) {
            client.send(GET);
            assertTrue(asked.await(5, TimeUnit.SECONDS));
            assertEquals(1, port.all().getFirst().inFlight.get());
        }
        awaitNoConnection();
    }

    @Test
    void withNoTargetRequestsWaitAndThenGoOn() throws Exception {
        Backend one = Backend.saying("one");
        lead();
        opened.add(one);
        try (Client client = new Client()) {
            client.send(GET);
            while (port.held.sum() == 0) {
                Thread.onSpinWait();
            }
            port.point(route(5000, one));
            assertEquals("HTTP/1.1 200 OK|one", client.answer());
        }
        port.point(route(50));
        try (Client client = new Client()) {
            assertTrue(client.send(GET).answer().startsWith("HTTP/1.1 503"), "but not for ever");
        }
        awaitIdle();
    }

    @Test
    void drainingTargetsCountDownToNothing() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        Backend slow = new Backend((head, in, out) -> {
            go.await();
            Backend.write(out, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
        });
        Backend next = Backend.saying("next");
        lead(slow);
        opened.add(next);
        try (Client client = new Client()) {
            client.send(GET);
            while (slow.heads.isEmpty()) {
                Thread.onSpinWait();
            }
            port.point(route(5000, next));
            Target leaving =
                    port.all().stream().filter(t -> !port.leads(t)).findFirst().orElseThrow();
            assertEquals(1, leaving.inFlight.get());
            go.countDown();
            assertEquals("HTTP/1.1 200 OK|slow", client.answer(), "what was begun is finished");
            awaitIdle();
            assertEquals(1, port.all().size(), "and then forgotten");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 5\r\n\r\nabcde",
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x4\r\n\r\nabcd",
                "GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n folded\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\tfolded\r\n\r\n",
                "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
                "GET / HTTP/1.1\nHost: x\n\n",
                "GET / HTTP/1.1\r\nHost: x\nX-A: 1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\nX A: 1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.2\r\nHost: x\r\n\r\n",
                "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
                "GE\u0001T / HTTP/1.1\r\nHost: x\r\n\r\n",
                "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
            })
    void whatTwoParsersMayReadDifferentlyIsRefused(String shape) throws Exception {
        Backend backend = Backend.saying("served");
        lead(backend);
        try (Client client = new Client()) {
            String answer = client.send(shape + GET).rest();
            assertTrue(answer.matches("(?s)HTTP/1.1 [45]\\d\\d .*connection: close\r\n.*"), answer);
            assertFalse(answer.contains("served"), answer);
        }
        assertEquals(List.of(), backend.heads);
        awaitNoConnection();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "5;\nhello\r\n0\r\n\r\n",
                "0x5\r\nhello\r\n0\r\n\r\n",
                "5\r\nhello0\r\n\r\n",
                "-5\r\nhello\r\n0\r\n\r\n"
            })
    void aBodyThatIsNoHttpEndsItsConnection(String chunks) throws Exception {
        Backend backend = new Backend((head, in, out) -> in.readAllBytes());
        lead(backend);
        try (Client client = new Client()) {
            String shape = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
            assertTrue(client.send(shape + GET).rest().startsWith("HTTP/1.1 400 "));
        }
        assertEquals(
                0, backend.heads.stream().filter(head -> head.startsWith("GET")).count());
        awaitNoConnection();
    }

    /** The loops of a gateway share its port, and nobody else does: not a gateway of the same user either. */
    @Test
    void aPortIsSharedByTheLoopsOfOneGatewayAlone() throws Exception {
        lead(Backend.saying("one"));
        Vertx other = NativeTransport.vertx(new VertxOptions());
        opened.add(() -> other.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS));
        Port theirs = new Port(other, route(0));
        IOException refused = assertThrows(
                IOException.class, () -> new Listener(other, theirs, new Redirect("test"), 2).open(new DockersRules()));
        assertTrue(refused.toString().contains("already in use"), refused.toString());
        for (int i = 0; i < 50; i++) {
            try (Client client = new Client()) {
                assertTrue(client.send(GET).head().startsWith("HTTP/1.1 200"), "never the one that was refused");
            }
        }
    }
}
