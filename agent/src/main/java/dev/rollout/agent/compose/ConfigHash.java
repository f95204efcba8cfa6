package dev.rollout.agent.compose;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Compose's {@code com.docker.compose.config-hash}: SHA-256 over the service's JSON without what does not make a new
 * container. The formula differs between versions of Compose, so there are variants; an existing container's label
 * tells which one its Compose uses.
 */
final class ConfigHash {
    private ConfigHash() {}

    /** All variants, the one of Compose 2 first, then that of Compose 5. */
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
        String two = sha256(GoJson.print(hashed));
        hashed.remove("depends_on");
        hashed.remove("profiles");
        return List.of(two, sha256(GoJson.print(hashed)));
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
