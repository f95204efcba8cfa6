package dev.rollout.contract;

import java.util.Locale;

/** How the event source treats two connected instances of one service. */
public enum Mode {
    /** Both get every event: a standby connects and keeps events (Discord). */
    BROADCAST,
    /** The source allows one consumer: a standby connects to nothing, the previous lets go first (Telegram). */
    EXCLUSIVE,
    /** The source shares events out: everybody takes part at once (queues). */
    COMPETING;

    /** The mode as it is written in {@code x-rollout.handover.mode} and in the scope row. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws IllegalArgumentException if the word is none of the three */
    public static Mode of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }
}
