package dev.rollout.check;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Asks an HTTP endpoint once and reads the status line: over TCP, TLS (certificates are not verified, as a readiness
 * probe asks a container by its address) or a unix socket. Redirects are not followed, they are told.
 *
 * @param address an {@link InetSocketAddress} or a {@link UnixDomainSocketAddress}
 * @param headers sent as they are; {@code Host} among them replaces the default
 */
public record HttpCheck(
        SocketAddress address,
        boolean tls,
        String path,
        Map<String, String> headers,
        StatusRange status,
        Duration timeout) {

    private static final int MAX_HEAD = 16 * 1024;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3})(?: .*)?");
    private static final Pattern LOCATION = Pattern.compile("(?im)^location:[ \t]*(\\S+)");

    /** Sends one GET. Never throws: what went wrong is the detail. */
    public CheckResult run() {
        return send("GET");
    }

    /** Sends one request without a body: {@code POST}, to tell an endpoint something. Never throws. */
    public CheckResult send(String method) {
        long start = System.nanoTime();
        try {
            String head = tls ? overTls(method, start) : overChannel(method, start);
            return judge(head, start);
        } catch (SocketTimeoutException e) {
            return result(CheckResult.Verdict.UNREACHABLE, "timed out after " + timeout.toMillis() + " ms", start);
        } catch (IOException | GeneralSecurityException e) {
            return result(CheckResult.Verdict.UNREACHABLE, words(e), start);
        }
    }

    private CheckResult judge(String head, long start) {
        String statusLine = head.lines().findFirst().orElse("");
        Matcher matched = STATUS.matcher(statusLine);
        if (!matched.matches()) {
            return result(
                    CheckResult.Verdict.UNREACHABLE,
                    statusLine.isEmpty() ? "closed without an answer" : "answered, but not in HTTP/1",
                    start);
        }
        int code = Integer.parseInt(matched.group(1));
        Matcher location = LOCATION.matcher(head);
        String detail = code + (location.find() ? " to " + location.group(1) : "");
        return result(status.contains(code) ? CheckResult.Verdict.PASSED : CheckResult.Verdict.FAILED, detail, start);
    }

    private byte[] request(String method) {
        StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
        if (headers.keySet().stream().noneMatch("host"::equalsIgnoreCase)) {
            request.append("Host: ").append(host()).append("\r\n");
        }
        headers.forEach(
                (name, value) -> request.append(name).append(": ").append(value).append("\r\n"));
        if (!method.equals("GET")) {
            request.append("Content-Length: 0\r\n");
        }
        request.append("User-Agent: rollout-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n");
        return request.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private String host() {
        if (!(address instanceof InetSocketAddress inet)) {
            return "localhost";
        }
        String host = inet.getHostString();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + inet.getPort();
    }

    private String overChannel(String method, long start) throws IOException {
        try (SocketChannel channel = address instanceof UnixDomainSocketAddress
                        ? SocketChannel.open(StandardProtocolFamily.UNIX)
                        : SocketChannel.open();
                Selector selector = Selector.open()) {
            channel.configureBlocking(false);
            if (!channel.connect(address)) {
                await(channel, selector, SelectionKey.OP_CONNECT, start);
                channel.finishConnect();
            }
            ByteBuffer out = ByteBuffer.wrap(request(method));
            while (out.hasRemaining()) {
                if (channel.write(out) == 0) {
                    await(channel, selector, SelectionKey.OP_WRITE, start);
                }
            }
            ByteArrayOutputStream head = new ByteArrayOutputStream();
            ByteBuffer in = ByteBuffer.allocate(4096);
            while (head.size() < MAX_HEAD && !endsHead(head)) {
                int read = channel.read(in.clear());
                if (read < 0) {
                    break;
                }
                if (read == 0) {
                    await(channel, selector, SelectionKey.OP_READ, start);
                }
                head.write(in.array(), 0, read);
            }
            return head.toString(StandardCharsets.ISO_8859_1);
        }
    }

    private void await(SocketChannel channel, Selector selector, int operation, long start) throws IOException {
        long left = timeout.toMillis() - (System.nanoTime() - start) / 1_000_000;
        channel.register(selector, operation);
        if (left <= 0 || selector.select(left) == 0) {
            throw operation == SelectionKey.OP_CONNECT
                    ? new ConnectException(TcpCheck.unheard(timeout))
                    : new SocketTimeoutException();
        }
        selector.selectedKeys().clear();
    }

    private String overTls(String method, long start) throws IOException, GeneralSecurityException {
        if (!(address instanceof InetSocketAddress inet)) {
            throw new IOException("https over a unix socket is not supported");
        }
        int limit = (int) timeout.toMillis();
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new TrustsEverybody()}, new SecureRandom());
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket()) {
            TcpCheck.connect(socket, inet, timeout);
            socket.setSoTimeout(Math.max(1, limit - (int) ((System.nanoTime() - start) / 1_000_000)));
            socket.getOutputStream().write(request(method));
            ByteArrayOutputStream head = new ByteArrayOutputStream();
            byte[] in = new byte[4096];
            while (head.size() < MAX_HEAD && !endsHead(head)) {
                int read = socket.getInputStream().read(in);
                if (read < 0) {
                    break;
                }
                head.write(in, 0, read);
            }
            return head.toString(StandardCharsets.ISO_8859_1);
        }
    }

    private static boolean endsHead(ByteArrayOutputStream head) {
        return head.toString(StandardCharsets.ISO_8859_1).contains("\r\n\r\n");
    }

    private static CheckResult result(CheckResult.Verdict verdict, @Nullable String detail, long start) {
        return new CheckResult(
                verdict, detail == null ? "no detail" : detail, Duration.ofNanos(System.nanoTime() - start));
    }

    static String words(Exception e) {
        if (e instanceof ConnectException && String.valueOf(e.getMessage()).contains("refused")) {
            return "connection refused";
        }
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message.toLowerCase(Locale.ROOT);
    }

    /** A probe asks a container by its address: there is no name that a certificate could vouch for. */
    private static final class TrustsEverybody implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
