package dev.rollout.sidecar;

import dev.rollout.check.CheckResult;
import dev.rollout.check.HttpCheck;
import dev.rollout.check.StatusRange;
import dev.rollout.check.TcpCheck;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;

/** One check, by its address: {@code http://HOST:PORT/PATH}, {@code https://…}, {@code unix:/SOCKET[:/PATH]}, {@code tcp://HOST:PORT}. */
final class Check {
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private Check() {}

    /** @throws IllegalArgumentException where the text is no address to check */
    static Supplier<CheckResult> parse(String address) {
        try {
            return of(address);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(address + " is no address to check: " + e.getMessage(), e);
        }
    }

    private static Supplier<CheckResult> of(String address) {
        if (address.startsWith("unix:")) {
            String[] parts = address.substring(5).split(":", 2);
            return new HttpCheck(
                    UnixDomainSocketAddress.of(parts[0]),
                    false,
                    parts.length > 1 ? parts[1] : "/",
                    Map.of(),
                    StatusRange.DEFAULT,
                    LIMIT)::run;
        }
        URI uri = URI.create(address);
        if (uri.getHost() == null) {
            throw new IllegalArgumentException("it has no host");
        }
        boolean tls = "https".equals(uri.getScheme());
        int port = uri.getPort() > 0 ? uri.getPort() : tls ? 443 : 80;
        InetSocketAddress host = new InetSocketAddress(uri.getHost(), port);
        if ("tcp".equals(uri.getScheme())) {
            return new TcpCheck(host, LIMIT)::run;
        }
        if (!tls && !"http".equals(uri.getScheme())) {
            throw new IllegalArgumentException("the scheme must be http, https, tcp or unix");
        }
        String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return new HttpCheck(host, tls, path + query, Map.of(), StatusRange.DEFAULT, LIMIT)::run;
    }
}
