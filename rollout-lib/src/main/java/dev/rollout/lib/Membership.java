package dev.rollout.lib;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Who this instance is, as the agent told it in the environment.
 *
 * @param folder {@code $ROLLOUT_DIR}, where the claims database and {@code state/role.json} are
 * @param generation the generation the instance was started with
 * @param standby true when it was started beside an active one
 */
public record Membership(
        String project, String service, String instance, long generation, Path folder, boolean standby) {

    /** The membership that the process's environment tells; empty on a laptop, where nothing is set. */
    public static Optional<Membership> fromEnvironment() {
        return from(System.getenv());
    }

    /** @throws IllegalArgumentException where the variables are set in part, or the generation is no number */
    static Optional<Membership> from(Map<String, String> environment) {
        String instance = environment.get("ROLLOUT_INSTANCE");
        if (instance == null || instance.isEmpty()) {
            return Optional.empty();
        }
        String generation = environment.getOrDefault("ROLLOUT_GENERATION", "");
        try {
            return Optional.of(new Membership(
                    environment.getOrDefault("ROLLOUT_PROJECT", ""),
                    environment.getOrDefault("ROLLOUT_SERVICE", ""),
                    instance,
                    Long.parseLong(generation),
                    Path.of(environment.getOrDefault("ROLLOUT_DIR", "/run/rollout")),
                    environment.containsKey("ROLLOUT_STANDBY_SINCE")));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "ROLLOUT_INSTANCE is set but ROLLOUT_GENERATION is '" + generation + "': unset both, or set both",
                    e);
        }
    }
}
