package dev.rollout.sidecar;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the environment says.
 *
 * @param listen where HTTP is answered: {@code SIDECAR_LISTEN}, comma-separated, {@code HOST:PORT} or {@code unix:/PATH}
 * @param components declared from the start: {@code SIDECAR_COMPONENTS}, comma-separated
 * @param probes the app's own ports, asked every second: {@code SIDECAR_PROBES}, space-separated {@code NAME=URL}
 * @param reports a unix socket that takes report lines: {@code SIDECAR_SOCKET}
 * @param files a folder of reports, one file a component: {@code SIDECAR_FILES}; default: in {@code $ROLLOUT_DIR}
 * @param drainUrl asked with POST when this instance drains or ends: {@code SIDECAR_DRAIN_URL}
 * @param drainSignal sent to the app when this instance drains: {@code SIDECAR_DRAIN_SIGNAL}, without SIG
 */
record Settings(
        List<SocketAddress> listen,
        List<String> components,
        Map<String, String> probes,
        @Nullable String reports,
        @Nullable String files,
        @Nullable String drainUrl,
        @Nullable String drainSignal) {

    /** @throws IllegalArgumentException where a variable makes no sense */
    static Settings from(Map<String, String> environment) {
        List<SocketAddress> listen = new ArrayList<>();
        for (String address : words(environment.getOrDefault("SIDECAR_LISTEN", "127.0.0.1:9099"), ",")) {
            listen.add(address(address));
        }
        Map<String, String> probes = new LinkedHashMap<>();
        for (String probe : words(environment.getOrDefault("SIDECAR_PROBES", ""), " ")) {
            int equals = probe.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("SIDECAR_PROBES has NAME=URL, not '" + probe + "'");
            }
            Check.parse(probe.substring(equals + 1));
            probes.put(probe.substring(0, equals), probe.substring(equals + 1));
        }
        String signal = environment.get("SIDECAR_DRAIN_SIGNAL");
        if (signal != null && !signal.matches("[A-Z0-9]+")) {
            throw new IllegalArgumentException("SIDECAR_DRAIN_SIGNAL is a name like USR2, not '" + signal + "'");
        }
        String folder = environment.get("ROLLOUT_DIR");
        String instance = environment.get("ROLLOUT_INSTANCE");
        return new Settings(
                listen,
                words(environment.getOrDefault("SIDECAR_COMPONENTS", ""), ","),
                probes,
                environment.get("SIDECAR_SOCKET"),
                environment.getOrDefault(
                        "SIDECAR_FILES", folder == null || instance == null ? null : folder + "/health/" + instance),
                environment.get("SIDECAR_DRAIN_URL"),
                signal);
    }

    private static SocketAddress address(String text) {
        if (text.startsWith("unix:")) {
            return UnixDomainSocketAddress.of(text.substring("unix:".length()));
        }
        int colon = text.lastIndexOf(':');
        try {
            return new InetSocketAddress(
                    colon <= 0 ? "127.0.0.1" : text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("SIDECAR_LISTEN has HOST:PORT or unix:/PATH, not '" + text + "'");
        }
    }

    private static List<String> words(String text, String separator) {
        return List.of(text.split(separator)).stream()
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }
}
