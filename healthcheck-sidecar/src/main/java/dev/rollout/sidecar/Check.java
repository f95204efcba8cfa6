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

/**
 * One check, for a Dockerfile's HEALTHCHECK: {@code check http://host:port/path}, {@code check https://…},
 * {@code check unix:/run/app.sock:/path}, {@code check tcp://host:port}. Exit code 0 or 1, and a line; 2 for bad usage.
 */
public final class Check {
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private Check() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    static int run(String[] args) {
        if (args.length != 2 || !args[0].equals("check")) {
            System.err.println("usage: check http://HOST:PORT/PATH | unix:/SOCKET[:/PATH] | tcp://HOST:PORT");
            return 2;
        }
        try {
            CheckResult result = ask(args[1]);
            System.out.println(result.detail() + " in " + result.took().toMillis() + " ms");
            return result.passed() ? 0 : 1;
        } catch (IllegalArgumentException e) {
            System.err.println(args[1] + " is no address to check: " + e.getMessage());
            return 2;
        }
    }

    private static CheckResult ask(String address) {
        if (address.startsWith("unix:")) {
            String[] parts = address.substring(5).split(":", 2);
            return new HttpCheck(
                            UnixDomainSocketAddress.of(parts[0]),
                            false,
                            parts.length > 1 ? parts[1] : "/",
                            Map.of(),
                            StatusRange.DEFAULT,
                            LIMIT)
                    .run();
        }
        URI uri = URI.create(address);
        if (uri.getHost() == null) {
            throw new IllegalArgumentException("it has no host");
        }
        boolean tls = "https".equals(uri.getScheme());
        int port = uri.getPort() > 0 ? uri.getPort() : tls ? 443 : 80;
        InetSocketAddress host = new InetSocketAddress(uri.getHost(), port);
        if ("tcp".equals(uri.getScheme())) {
            return new TcpCheck(host, LIMIT).run();
        }
        if (!tls && !"http".equals(uri.getScheme())) {
            throw new IllegalArgumentException("the scheme must be http, https, tcp or unix");
        }
        String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return new HttpCheck(host, tls, path + query, Map.of(), StatusRange.DEFAULT, LIMIT).run();
    }
}
