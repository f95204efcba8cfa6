package dev.rollout.agent.model;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The versions of HAProxy's PROXY protocol, by which an instance hears who a plain connection's client is. */
public enum ProxyProtocol {
    /** A line. */
    V1,
    /** Binary. */
    V2;

    static @Nullable ProxyProtocol of(@Nullable String name) {
        return name == null ? null : valueOf(name.toUpperCase(Locale.ROOT));
    }
}
