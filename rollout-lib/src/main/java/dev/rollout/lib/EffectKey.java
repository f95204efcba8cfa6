package dev.rollout.lib;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Idempotency keys for effects outside: the same event gives the same key in every instance, at every attempt, in every
 * language, so that a service that knows such keys (a Discord nonce, a Stripe {@code Idempotency-Key}) does the effect
 * once, even where a holder died between the effect and {@link Rollout#complete}.
 */
public final class EffectKey {
    private static final int BYTES = 12; // 24 characters: Discord takes 25

    private EffectKey() {}

    /** The first 24 hexadecimal digits of the SHA-256 of the text; name the effect in it: {@code create:1234#reply}. */
    public static String of(String effect) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(effect.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
