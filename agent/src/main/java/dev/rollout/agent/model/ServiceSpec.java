package dev.rollout.agent.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One service as it is wanted: its canonical definition and the policies that were read from it.
 *
 * @param definition the service's part of the canonical model, the command line's overrides applied
 * @param hashes the variants of Compose's config hash of that definition
 * @param template what its containers are made from, where that is not the definition
 */
public record ServiceSpec(
        ServiceKey key,
        ProjectSpec project,
        Tree definition,
        List<String> hashes,
        int replicas,
        UpdatePolicy update,
        Readiness readiness,
        @Nullable Handover handover,
        Drain drain,
        Duration stopGracePeriod,
        MemoryCheck memoryCheck,
        boolean keepPrevious,
        @Nullable Template template) {

    /** @throws IllegalArgumentException where the project has no such service */
    public static ServiceSpec of(ProjectSpec project, String service, Overrides overrides) {
        Tree found = new Tree(project.tree()).at("services", service);
        if (!found.isPresent()) {
            throw new IllegalArgumentException("the project " + project.name() + " has no service '" + service + "'");
        }
        Map<String, @Nullable Object> tree = new LinkedHashMap<>(found.asMap());
        Template template = overrides.template();
        if (template != null) {
            template.definition().forEach((name, value) -> {
                if (value == null) {
                    tree.remove(name);
                } else {
                    tree.put(name, value);
                }
            });
        }
        if (overrides.image() != null) {
            tree.put("image", overrides.image());
        }
        Tree definition = new Tree(tree);
        Tree own = new Tree(project.rollout().getOrDefault(service, Map.of()));
        UpdatePolicy file = UpdatePolicy.of(definition.at("deploy", "update_config"), DataStore.order(found));
        UpdatePolicy update = new UpdatePolicy(
                file.parallelism(),
                file.delay(),
                overrides.order() == null ? file.order() : overrides.order(),
                file.failureAction(),
                overrides.monitor() == null ? file.monitor() : overrides.monitor(),
                file.maxFailureRatio());
        Readiness readiness = Readiness.of(own.at("readiness"), definition);
        if (overrides.timeout() != null) {
            readiness = new Readiness(
                    readiness.check(),
                    readiness.interval(),
                    readiness.timeout(),
                    readiness.successes(),
                    readiness.minReady(),
                    overrides.timeout());
        }
        Drain drain = Drain.of(own.at("drain"));
        if (overrides.drainTimeout() != null) {
            drain = new Drain(overrides.drainTimeout(), drain.start(), drain.pause());
        }
        int replicas = definition.integer("scale", definition.at("deploy").integer("replicas", 1));
        return new ServiceSpec(
                new ServiceKey(project.name(), service),
                project,
                definition,
                template == null
                        ? project.hashes().getOrDefault(service, List.of())
                        : List.of(template.revision().configHash()),
                replicas,
                update,
                readiness,
                Handover.of(own.at("handover"), readiness.check() instanceof Readiness.Check.RoleReady),
                drain,
                definition.duration("stop_grace_period", Duration.ofSeconds(10)),
                MemoryCheck.valueOf(own.text("memory_check", "refuse").toUpperCase(Locale.ROOT)),
                own.integer("keep_previous", 1) > 0,
                template);
    }

    /** Whether two of Compose's hashes are of the same configuration: the same, or both of this one. */
    public boolean sameConfig(String one, String other) {
        return one.equals(other) || hashes.contains(one) && hashes.contains(other);
    }

    /** The image that instances run: the service's own, or the one its build is tagged with. */
    public String image() {
        return definition.text("image", key.project() + "-" + key.service());
    }

    /** The name of the container in a slot: Compose's, or {@code container_name}. */
    public String containerName(int slot) {
        return definition.text("container_name", key.project() + "-" + key.service() + "-" + slot);
    }

    /** The addresses on its networks that the file fixes, as it writes them: one container can have them. */
    public List<String> fixedAddresses() {
        List<String> fixed = new ArrayList<>();
        fixed(fixed, "mac_address", definition.text("mac_address"));
        definition.map("networks").keySet().forEach(network -> {
            for (String key : List.of("ipv4_address", "ipv6_address", "mac_address")) {
                fixed(
                        fixed,
                        "networks." + network + "." + key,
                        definition.at("networks", network).text(key));
            }
        });
        return fixed;
    }

    private static void fixed(List<String> all, String key, @Nullable String address) {
        if (address != null) {
            all.add(key + " " + address);
        }
    }

    /** What has its data to itself, where the service is such a thing: it is stopped first if the file does not say otherwise. */
    public Optional<String> dataStore() {
        return DataStore.of(inFile());
    }

    /** How it is replaced where the file does not say it. */
    public Order usualOrder() {
        return DataStore.order(inFile());
    }

    private Tree inFile() {
        return new Tree(project.tree()).at("services", key.service());
    }

    public boolean publishesPorts() {
        return !definition.list("ports").isEmpty();
    }

    /** The ports that the host publishes. */
    public List<PublishedPort> publishedPorts() {
        Tree own = new Tree(project.rollout().getOrDefault(key.service(), Map.of()));
        return definition.list("ports").stream()
                .map(port -> PublishedPort.of(port, own, readiness))
                .toList();
    }

    /** The service's own restart policy, as Compose maps it. */
    public RestartPolicy restartPolicy() {
        String restart = definition.text("restart");
        if (restart != null && !restart.isEmpty()) {
            String[] parts = restart.split(":", 2);
            return new RestartPolicy(parts[0], parts.length > 1 ? Integer.parseInt(parts[1]) : 0);
        }
        Tree policy = definition.at("deploy", "restart_policy");
        if (!policy.isPresent()) {
            return RestartPolicy.NO;
        }
        return switch (policy.text("condition", "any")) {
            case "none" -> RestartPolicy.NO;
            case "on-failure" -> new RestartPolicy("on-failure", policy.integer("max_attempts", 0));
            case "any", "always" -> new RestartPolicy("always", 0);
            default -> new RestartPolicy(policy.text("condition", "no"), 0);
        };
    }
}
