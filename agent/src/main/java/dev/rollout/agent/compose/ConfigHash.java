package dev.rollout.agent.compose;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Compose's {@code com.docker.compose.config-hash}: SHA-256 over the service's JSON without what does not make a new
 * container. The formula differs between versions of Compose, so there are variants.
 */
final class ConfigHash {
    private ConfigHash() {}

    /** The variants, the newest first: of Compose 2.37 and 2.40, of 2.33, of 2.26. Most services have one for all. */
    static List<String> variants(Map<String, @Nullable Object> service) {
        Map<String, @Nullable Object> hashed = new LinkedHashMap<>(service);
        hashed.remove("build");
        hashed.remove("pull_policy");
        hashed.remove("scale");
        if (hashed.get("deploy") instanceof Map<?, ?> deploy) {
            Map<Object, @Nullable Object> rest = new LinkedHashMap<>(deploy);
            rest.remove("replicas");
            hashed.put("deploy", rest);
        }
        String old = sha256(GoJson.print(hashed));
        hashed.remove("depends_on");
        hashed.remove("profiles");
        String between = sha256(GoJson.print(hashed));
        List.of("configs", "secrets").forEach(key -> hashed.computeIfPresent(key, (name, files) -> modesAsText(files)));
        hashed.computeIfPresent("networks", (name, networks) -> byName(networks));
        return List.of(sha256(GoJson.print(hashed)), between, old);
    }

    /** What was a number is text, in octal digits. */
    private static Object modesAsText(Object files) {
        return ((List<?>) files)
                .stream()
                        .map(file -> {
                            Map<Object, @Nullable Object> one = new LinkedHashMap<>((Map<?, ?>) file);
                            one.computeIfPresent(
                                    "mode", (key, mode) -> "0" + Long.toOctalString(((Number) mode).longValue()));
                            return one;
                        })
                        .toList();
    }

    /** The keys of each network have another order. */
    private static Object byName(Object networks) {
        Map<Object, @Nullable Object> ordered = new LinkedHashMap<>();
        ((Map<?, ?>) networks)
                .forEach((name, network) ->
                        ordered.put(name, network instanceof Map<?, ?> keys ? new TreeMap<>(keys) : network));
        return ordered;
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
