package dev.rollout.lib;

import dev.rollout.contract.RoleFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Who this instance is, as the agent told it in the environment.
 *
 * @param folder {@code $ROLLOUT_DIR}, where the claims database and {@code state/role.json} are
 * @param generation the generation the instance was started with
 * @param standbySince when it was started beside an active one, Unix time in seconds; 0 when it was not
 */
public record Membership(
        String project, String service, String instance, long generation, Path folder, long standbySince) {
    /** The dedupe window, longer than any hand-over: a standby that is older has outlived the rollout it was started in. */
    static final Duration WINDOW = Duration.ofMinutes(15);

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
                    Long.parseLong(environment.getOrDefault("ROLLOUT_STANDBY_SINCE", "0"))));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "ROLLOUT_INSTANCE is set, but ROLLOUT_GENERATION is '" + generation
                            + "' and ROLLOUT_STANDBY_SINCE is '"
                            + environment.getOrDefault("ROLLOUT_STANDBY_SINCE", "")
                            + "': both are numbers, and the agent sets them; unset all to run without one",
                    e);
        }
    }

    Path roleFile() {
        return folder.resolve("state").resolve(RoleFile.NAME);
    }

    /** Whether it may act where nothing at all is known about roles: not while another may be about to. */
    boolean mayStartAlone() {
        return standbySince == 0 || System.currentTimeMillis() / 1000 - standbySince > WINDOW.toSeconds();
    }
}
