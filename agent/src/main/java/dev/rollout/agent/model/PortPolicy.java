package dev.rollout.agent.model;

import java.time.Duration;
import java.util.List;

/**
 * How the traffic of one published port is led: {@code x-rollout.ports}. In milliseconds and bytes, as it is written into
 * the gateway's routes.
 *
 * @param hold how long a request waits where no instance is ready
 * @param timeout how long an instance may take to begin its answer; 0 is for ever
 * @param streams how long WebSockets, event streams and plain connections may stay with a previous version; 0 is as long
 *     as its drain lasts
 * @param maxBody the largest body of a request; 0 is any
 * @param accessLog whether each request leaves a line in the gateway's log
 * @param tls the certificates, where the gateway ends TLS; the first is for clients that name no host
 */
public record PortPolicy(
        long hold, long timeout, long streams, long maxBody, boolean accessLog, List<Certificate> tls) {
    private static final Duration HOLD = Duration.ofSeconds(5);

    /** Files of the host, in PEM. They are read again when they change. */
    public record Certificate(String cert, String key) {}

    /** Holds requests for so long, and has no other wish. */
    public static PortPolicy holding(long millis) {
        return new PortPolicy(millis, 0, 0, 0, false, List.of());
    }

    static PortPolicy of(Tree own) {
        return new PortPolicy(
                own.duration("hold", HOLD).toMillis(),
                own.duration("timeout", Duration.ZERO).toMillis(),
                own.duration("streams", Duration.ZERO).toMillis(),
                own.whole("max_body", 0),
                own.flag("access_log"),
                own.list("tls").stream()
                        .map(pair -> new Certificate(pair.text("cert", ""), pair.text("key", "")))
                        .toList());
    }
}
