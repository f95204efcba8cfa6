package dev.rollout.agent.rollout;

import java.util.Map;

/**
 * Who asks for a rollout: images are pulled and built with the logins, build secrets and proxies of that user, and with no
 * more rights on the host's files. Never written anywhere.
 *
 * @param user the user's number on this host
 * @param group the number of the user's group
 * @param environment empty: the agent's
 */
public record Asker(int user, int group, Map<String, String> environment) {
    private static final int NOBODY_ELSE = -1;

    /** The agent itself. */
    public static final Asker AGENT = with(Map.of());

    /** The agent's own user. */
    public static Asker with(Map<String, String> environment) {
        return new Asker(NOBODY_ELSE, NOBODY_ELSE, environment);
    }

    /** Whether this is another user than the agent's, for whom only root can act. */
    public boolean another() {
        return user != NOBODY_ELSE;
    }
}
