package dev.rollout.agent.model;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Compose project in its canonical form: what {@code docker compose config --format json} prints, and what Rollout
 * needs beside it.
 *
 * @param workingDirectory the project directory, absolute
 * @param files the Compose files, absolute
 * @param envFiles {@code --env-file}, absolute; empty where the default applies
 * @param tree the canonical model: name, services, networks, volumes, secrets, configs, x-…
 * @param rollout by service: the checked {@code x-rollout} keys, the project's defaults merged in
 * @param hashes by service: the variants of Compose's config hash, the newest first; equal ones too
 * @param refusals by service: keys that would have no effect, as sentences with file:line
 * @param unsetVariables variables that had neither a value nor a default
 */
public record ProjectSpec(
        String name,
        String workingDirectory,
        List<String> files,
        List<String> envFiles,
        Map<String, @Nullable Object> tree,
        Map<String, Map<String, @Nullable Object>> rollout,
        Map<String, List<String>> hashes,
        Map<String, List<String>> refusals,
        List<String> unsetVariables) {

    /** The services' names. */
    public List<String> services() {
        return tree.get("services") instanceof Map<?, ?> services
                ? services.keySet().stream().map(String::valueOf).toList()
                : List.of();
    }
}
