package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.store.Stores;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How an instance joins, where the defaults do not fit.
 *
 * @param claims where the claims are, for instances on several hosts; null: on shared memory, with the roles
 */
public record JoinOptions(
        WhenAgentGone whenAgentGone, @Nullable ClaimStore claims) {
    /** Claims on shared memory, and nothing acts without an agent's word. */
    public static final JoinOptions DEFAULT = new JoinOptions(WhenAgentGone.WAIT, null);

    /** These options with another policy. */
    public JoinOptions with(WhenAgentGone policy) {
        return new JoinOptions(policy, claims);
    }

    /** These options with claims in a store that other hosts share. */
    public JoinOptions with(ClaimStore shared) {
        return new JoinOptions(whenAgentGone, shared);
    }

    /**
     * As {@code ROLLOUT_WHEN_AGENT_GONE} ({@code wait}, {@code promote}) and {@code ROLLOUT_STORE} ({@code
     * postgresql://…}, {@code redis://…}) say.
     *
     * @throws IllegalArgumentException where one of them is neither
     */
    static JoinOptions from(Map<String, String> environment) {
        String policy = environment.getOrDefault("ROLLOUT_WHEN_AGENT_GONE", "wait");
        String store = environment.getOrDefault("ROLLOUT_STORE", "");
        WhenAgentGone whenAgentGone = switch (policy) {
            case "wait" -> WhenAgentGone.WAIT;
            case "promote" -> WhenAgentGone.PROMOTE;
            default ->
                throw new IllegalArgumentException(
                        "ROLLOUT_WHEN_AGENT_GONE is '" + policy + "': it is wait or promote");
        };
        if (store.isEmpty()) {
            return new JoinOptions(whenAgentGone, null);
        }
        String scope =
                environment.getOrDefault("ROLLOUT_PROJECT", "") + "/" + environment.getOrDefault("ROLLOUT_SERVICE", "");
        try {
            return new JoinOptions(
                    whenAgentGone, Stores.open(store, scope, environment.getOrDefault("ROLLOUT_HOST", "")));
        } catch (SQLException e) {
            throw new IllegalArgumentException("ROLLOUT_STORE cannot be used: " + e.getMessage(), e);
        }
    }
}
