package dev.rollout.agent.compose;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What to load, as the options of {@code docker compose} say it.
 *
 * @param directory where the user stands
 * @param files {@code -f}; empty: found by Compose's rules
 * @param services named on the command line: their profiles are on
 * @param environment the user's environment
 */
public record LoadRequest(
        Path directory,
        List<String> files,
        List<String> envFiles,
        List<String> profiles,
        @Nullable String projectName,
        @Nullable String projectDirectory,
        List<String> services,
        Map<String, String> environment) {}
