package dev.rollout.agent.compose;

import static dev.rollout.agent.compose.Shape.ANY;
import static dev.rollout.agent.compose.Shape.BOOLEAN;
import static dev.rollout.agent.compose.Shape.BYTES;
import static dev.rollout.agent.compose.Shape.DURATION;
import static dev.rollout.agent.compose.Shape.INTEGER;
import static dev.rollout.agent.compose.Shape.NUMBER;
import static dev.rollout.agent.compose.Shape.TEXT;
import static dev.rollout.agent.compose.Shape.TEXT_OR_BOOLEAN;
import static dev.rollout.agent.compose.Shape.TEXT_OR_NUMBER;
import static dev.rollout.agent.compose.Shape.always;
import static dev.rollout.agent.compose.Shape.field;
import static dev.rollout.agent.compose.Shape.keyValues;
import static dev.rollout.agent.compose.Shape.listOf;
import static dev.rollout.agent.compose.Shape.mapOf;
import static dev.rollout.agent.compose.Shape.object;
import static dev.rollout.agent.compose.Shape.oneOf;
import static dev.rollout.agent.compose.Shape.oneOrMore;
import static dev.rollout.agent.compose.Shape.orElse;
import static dev.rollout.agent.compose.Shape.orEmpty;
import static dev.rollout.agent.compose.Shape.pointer;
import static dev.rollout.agent.compose.Shape.unwritten;

import dev.rollout.agent.compose.Shape.ObjectShape;
import dev.rollout.agent.model.PullInterval;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The Compose specification's keys, in the order in which Compose prints them: its config hash is taken over that text.
 */
final class Grammar {
    private Grammar() {}

    static final Shape COMMAND = ShellWords::read;

    private static final Shape ULIMIT = (node, path) -> node instanceof Node.Mapping
            ? object(pointer("single", INTEGER), pointer("soft", INTEGER), pointer("hard", INTEGER))
                    .read(node, path)
            : INTEGER.read(node, path);

    private static final Shape FILE_MOUNT = object(
            field("source", TEXT),
            field("target", TEXT),
            field("uid", TEXT_OR_NUMBER),
            field("gid", TEXT_OR_NUMBER),
            pointer("mode", INTEGER));

    private static Shape fileMounts(@Nullable String folder) {
        return listOf((node, path) -> {
            Object read = node instanceof Node.Scalar ? TEXT.read(node, path) : FILE_MOUNT.read(node, path);
            Object source = read instanceof Map<?, ?> map ? map.get("source") : read;
            if (source == null) {
                throw new ComposeException(node.mark(), path + " needs a source: a name from the top level");
            }
            Map<String, @Nullable Object> mount = new LinkedHashMap<>();
            mount.put("source", source);
            if (folder != null) {
                mount.put("target", folder + source);
            }
            if (read instanceof Map<?, ?> map) {
                map.forEach((key, value) -> mount.put((String) key, value));
            }
            return mount;
        });
    }

    private static final ObjectShape BUILD = object(
            field("context", TEXT),
            field("dockerfile", TEXT),
            field("dockerfile_inline", TEXT),
            field("entitlements", listOf(TEXT)),
            field("args", keyValues(null)),
            field("provenance", TEXT_OR_BOOLEAN),
            field("sbom", TEXT_OR_BOOLEAN),
            field("ssh", Grammar::ssh),
            field("labels", keyValues("")),
            field("cache_from", listOf(TEXT)),
            field("cache_to", listOf(TEXT)),
            field("no_cache", BOOLEAN),
            field("additional_contexts", keyValues("")),
            field("pull", BOOLEAN),
            field("extra_hosts", Grammar::hosts),
            field("isolation", TEXT),
            field("network", TEXT),
            field("target", TEXT),
            field("secrets", fileMounts(null)),
            field("shm_size", BYTES),
            field("tags", listOf(TEXT)),
            field("ulimits", mapOf(ULIMIT)),
            field("platforms", listOf(TEXT)),
            field("privileged", BOOLEAN));

    private static Object ssh(Node node, String path) {
        if (node instanceof Node.Mapping) {
            Map<?, ?> keys = (Map<?, ?>) keyValues("").read(node, path);
            return keys == null
                    ? java.util.List.of()
                    : keys.entrySet().stream()
                            .map(e -> e.getValue().equals("") ? e.getKey() : e.getKey() + "=" + e.getValue())
                            .toList();
        }
        Object read = listOf(TEXT).read(node, path);
        return read == null ? java.util.List.of() : read;
    }

    private static final Shape DEVICE_REQUESTS = listOf(object(
            field("capabilities", listOf(TEXT)),
            field("driver", TEXT),
            field(
                    "count",
                    (node, path) -> node instanceof Node.Scalar s && "all".equals(s.value())
                            ? (Object) (-1L)
                            : INTEGER.read(node, path)),
            field("device_ids", listOf(TEXT)),
            field("options", keyValues(""))));

    private static @Nullable Object gpus(Node node, String path) {
        return node instanceof Node.Scalar scalar && "all".equals(scalar.value())
                ? java.util.List.of(Map.of("count", -1L))
                : DEVICE_REQUESTS.read(node, path);
    }

    private static final Shape GENERIC_RESOURCES =
            listOf(object(field("discrete_resource_spec", object(field("kind", TEXT), field("value", INTEGER)))));

    private static final Shape UPDATE_CONFIG = object(
            pointer("parallelism", INTEGER),
            field("delay", DURATION),
            field("failure_action", oneOf("continue", "rollback", "pause")),
            field("monitor", DURATION),
            field("max_failure_ratio", NUMBER),
            field("order", oneOf("start-first", "stop-first")));

    private static final ObjectShape DEPLOY = object(
            field("mode", TEXT),
            pointer("replicas", INTEGER),
            field("labels", keyValues("")),
            field("update_config", UPDATE_CONFIG),
            field("rollback_config", UPDATE_CONFIG),
            orEmpty(
                    "resources",
                    object(
                            field(
                                    "limits",
                                    object(
                                            field("cpus", NUMBER),
                                            field("memory", BYTES),
                                            field("pids", INTEGER),
                                            field("devices", DEVICE_REQUESTS),
                                            field("generic_resources", GENERIC_RESOURCES))),
                            field(
                                    "reservations",
                                    object(
                                            field("cpus", NUMBER),
                                            field("memory", BYTES),
                                            field("pids", INTEGER),
                                            field("devices", DEVICE_REQUESTS),
                                            field("generic_resources", GENERIC_RESOURCES))))),
            field(
                    "restart_policy",
                    object(
                            field("condition", TEXT),
                            field("delay", DURATION),
                            pointer("max_attempts", INTEGER),
                            field("window", DURATION))),
            orEmpty(
                    "placement",
                    object(
                            field("constraints", listOf(TEXT)),
                            field("preferences", listOf(object(field("spread", TEXT)))),
                            field("max_replicas_per_node", INTEGER))),
            field("endpoint_mode", TEXT));

    private static final Shape HEALTHCHECK = object(
            field("test", (node, path) -> {
                if (node instanceof Node.Scalar && TEXT.read(node, path) instanceof String test) {
                    return java.util.List.of("CMD-SHELL", test);
                }
                Object read = listOf(TEXT).read(node, path);
                if (read instanceof java.util.List<?> test
                        && !test.isEmpty()
                        && !java.util.List.of("CMD", "CMD-SHELL", "NONE").contains(test.getFirst())) {
                    throw new ComposeException(node.mark(), path + " begins with CMD, CMD-SHELL or NONE");
                }
                return read;
            }),
            field("timeout", DURATION),
            field("interval", DURATION),
            pointer("retries", INTEGER),
            field("start_period", DURATION),
            field("start_interval", DURATION),
            field("disable", BOOLEAN));

    private static final Shape DEPENDS_ON = (node, path) -> mapOf((condition, at) -> {
                Object read = object(
                                field(
                                        "condition",
                                        oneOf("service_started", "service_healthy", "service_completed_successfully")),
                                field("restart", BOOLEAN),
                                pointer("required", BOOLEAN))
                        .read(condition, at);
                Map<String, @Nullable Object> dependency = new LinkedHashMap<>();
                if (read instanceof Map<?, ?> map) {
                    map.forEach((key, value) -> dependency.put((String) key, value));
                }
                if (!dependency.containsKey("condition")) {
                    throw new ComposeException(condition.mark(), at + " needs a condition, such as service_healthy");
                }
                dependency.putIfAbsent("required", true);
                return dependency;
            })
            .read(Merge.named(node, path), path);

    private static final Shape SERVICE_NETWORKS = (node, path) -> mapOf(object(
                    field("priority", INTEGER),
                    field("gw_priority", INTEGER),
                    field("aliases", listOf(TEXT)),
                    field("ipv4_address", TEXT),
                    field("ipv6_address", TEXT),
                    field("link_local_ips", listOf(TEXT)),
                    field("mac_address", TEXT),
                    field("driver_opts", mapOf(TEXT_OR_NUMBER)),
                    field("interface_name", TEXT)))
            .read(Merge.named(node, path), path);

    private static final Shape WEIGHTS = (node, path) -> capitals(
            listOf(object(field("path", TEXT), field("weight", INTEGER))).read(node, path));
    private static final Shape RATES = (node, path) ->
            capitals(listOf(object(field("path", TEXT), field("rate", BYTES))).read(node, path));

    /** Compose prints these without a name of their own, so Go's field names appear. */
    private static @Nullable Object capitals(@Nullable Object read) {
        if (!(read instanceof java.util.List<?> items)) {
            return read;
        }
        return items.stream()
                .map(item -> {
                    Map<String, @Nullable Object> capital = new LinkedHashMap<>();
                    ((Map<?, ?>) java.util.Objects.requireNonNull(item)).forEach((key, value) -> {
                        String name = (String) key;
                        capital.put(Character.toUpperCase(name.charAt(0)) + name.substring(1), value);
                    });
                    return capital;
                })
                .toList();
    }

    private static Object hosts(Node node, String path) {
        Map<String, java.util.List<String>> hosts = new java.util.TreeMap<>();
        if (node instanceof Node.Mapping mapping) {
            mapping.entries().forEach((host, address) -> {
                Object read = oneOrMore(TEXT).read(address, path + "." + host);
                if (read instanceof java.util.List<?> list) {
                    list.forEach(one -> hosts.computeIfAbsent(host, h -> new java.util.ArrayList<>())
                            .add(bare((String) java.util.Objects.requireNonNull(one))));
                }
            });
        } else if (listOf(TEXT).read(node, path) instanceof java.util.List<?> list) {
            for (Object item : list) {
                String text = String.valueOf(item);
                int cut = text.indexOf('=') >= 0 ? text.indexOf('=') : text.indexOf(':');
                if (cut < 0) {
                    throw new ComposeException(node.mark(), path + ": '" + text + "' is not HOST=ADDRESS");
                }
                hosts.computeIfAbsent(text.substring(0, cut), h -> new java.util.ArrayList<>())
                        .add(bare(text.substring(cut + 1)));
            }
        }
        return hosts.entrySet().stream()
                .flatMap(e -> e.getValue().stream().map(address -> e.getKey() + "=" + address))
                .toList();
    }

    private static String bare(String address) {
        return address.startsWith("[") && address.endsWith("]") ? address.substring(1, address.length() - 1) : address;
    }

    /** How Compose prints a hook that is not there. */
    private static final Map<String, @Nullable Object> NO_COMMAND = java.util.Collections.singletonMap("command", null);

    private static final Shape HOOKS = listOf(object(
            always("command", COMMAND),
            field("user", TEXT_OR_NUMBER),
            field("privileged", BOOLEAN),
            field("working_dir", TEXT),
            field("environment", keyValues(null))));

    static final ObjectShape SERVICE = object(
            field("profiles", listOf(TEXT)),
            field("annotations", keyValues("")),
            pointer("attach", BOOLEAN),
            field(
                    "build",
                    (node, path) ->
                            BUILD.read(node instanceof Node.Scalar && !node.isNull() ? asContext(node) : node, path)),
            field(
                    "develop",
                    object(field(
                            "watch",
                            listOf(object(
                                    field("path", TEXT),
                                    field("action", TEXT),
                                    field("target", TEXT),
                                    orElse(
                                            "exec",
                                            object(
                                                    always("command", COMMAND),
                                                    field("user", TEXT),
                                                    field("privileged", BOOLEAN),
                                                    field("working_dir", TEXT),
                                                    field("environment", keyValues(null))),
                                            NO_COMMAND),
                                    field("ignore", listOf(TEXT)),
                                    field("include", listOf(TEXT)),
                                    field("initial_sync", BOOLEAN)))))),
            field(
                    "blkio_config",
                    object(
                            field("weight", INTEGER),
                            field("weight_device", WEIGHTS),
                            field("device_read_bps", RATES),
                            field("device_read_iops", RATES),
                            field("device_write_bps", RATES),
                            field("device_write_iops", RATES))),
            field("cap_add", listOf(TEXT)),
            field("cap_drop", listOf(TEXT)),
            field("cgroup_parent", TEXT),
            field("cgroup", TEXT),
            field("cpu_count", INTEGER),
            field("cpu_percent", NUMBER),
            field("cpu_period", INTEGER),
            field("cpu_quota", INTEGER),
            field("cpu_rt_period", INTEGER),
            field("cpu_rt_runtime", INTEGER),
            field("cpus", NUMBER),
            field("cpuset", TEXT),
            field("cpu_shares", INTEGER),
            always("command", COMMAND),
            field("configs", fileMounts(null)),
            field("container_name", TEXT),
            field("credential_spec", object(field("config", TEXT), field("file", TEXT), field("registry", TEXT))),
            field("depends_on", DEPENDS_ON),
            field("deploy", DEPLOY),
            field("device_cgroup_rules", listOf(TEXT)),
            field("devices", listOf(Mounts::device)),
            field("dns", oneOrMore(TEXT)),
            field("dns_opt", listOf(TEXT)),
            field("dns_search", oneOrMore(TEXT)),
            field("domainname", TEXT),
            always("entrypoint", COMMAND),
            field("environment", keyValues(null)),
            unwritten("env_file", Grammar::envFiles),
            field("expose", listOf(TEXT_OR_NUMBER)),
            unwritten("extends", ANY),
            field("external_links", listOf(TEXT)),
            field("extra_hosts", Grammar::hosts),
            field("group_add", listOf(TEXT_OR_NUMBER)),
            field("gpus", Grammar::gpus),
            field("hostname", TEXT),
            field("healthcheck", HEALTHCHECK),
            field("image", TEXT),
            pointer("init", BOOLEAN),
            field("ipc", TEXT),
            field("isolation", TEXT),
            field("labels", keyValues("")),
            field("links", listOf(TEXT)),
            field("logging", object(field("driver", TEXT), field("options", mapOf(TEXT_OR_NUMBER)))),
            field("mem_limit", BYTES),
            field("mem_reservation", BYTES),
            field("memswap_limit", BYTES),
            field("mem_swappiness", BYTES),
            field("mac_address", TEXT),
            field(
                    "models",
                    (node, path) -> mapOf(object(field("endpoint_var", TEXT), field("model_var", TEXT)))
                            .read(Merge.named(node, path), path)),
            field("network_mode", TEXT),
            field("networks", SERVICE_NETWORKS),
            field("oom_kill_disable", BOOLEAN),
            field("oom_score_adj", INTEGER),
            field("pid", TEXT),
            field("pids_limit", INTEGER),
            field("platform", TEXT),
            field("ports", Ports::read),
            field("privileged", BOOLEAN),
            field(
                    "provider",
                    object(
                            field("type", TEXT),
                            field("options", mapOf(oneOrMore((option, at) -> String.valueOf(ANY.read(option, at))))))),
            field("pull_policy", Grammar::pullPolicy),
            unwritten("pull_refresh_after", TEXT),
            field("read_only", BOOLEAN),
            field("restart", TEXT),
            field("runtime", TEXT),
            pointer("scale", INTEGER),
            field("secrets", fileMounts("/run/secrets/")),
            field("security_opt", listOf(TEXT)),
            field("shm_size", BYTES),
            field("stdin_open", BOOLEAN),
            field("stop_grace_period", DURATION),
            field("stop_signal", TEXT),
            field("storage_opt", mapOf(TEXT_OR_NUMBER)),
            field("sysctls", keyValues("")),
            field("tmpfs", oneOrMore(TEXT)),
            field("tty", BOOLEAN),
            field("ulimits", mapOf(ULIMIT)),
            field("use_api_socket", BOOLEAN),
            field("user", TEXT),
            field("userns_mode", TEXT),
            field("uts", TEXT),
            field("volumes", listOf(Mounts::volume)),
            field("volumes_from", listOf(TEXT)),
            field("working_dir", TEXT),
            field("post_start", HOOKS),
            field("pre_stop", HOOKS),
            unwritten("label_file", oneOrMore(TEXT)));

    private static Node asContext(Node context) {
        Node.Mapping build = new Node.Mapping(context.mark());
        build.put("context", context);
        return build;
    }

    private static final Shape ENV_FILE =
            object(field("path", TEXT), pointer("required", BOOLEAN), field("format", oneOf("raw")));

    private static @Nullable Object envFiles(Node node, String path) {
        return oneOrMore((item, at) -> {
                    Map<String, @Nullable Object> file = new LinkedHashMap<>();
                    if (item instanceof Node.Mapping && ENV_FILE.read(item, at) instanceof Map<?, ?> given) {
                        given.forEach((key, value) -> file.put((String) key, value));
                    } else {
                        file.put("path", TEXT.read(item, at));
                    }
                    file.putIfAbsent("required", true);
                    return file;
                })
                .read(node, path);
    }

    private static @Nullable Object pullPolicy(Node node, String path) {
        if (node instanceof Node.Scalar scalar && PullInterval.of(scalar.text()).isPresent()) {
            return scalar.text();
        }
        Object policy = oneOf("always", "never", "missing", "if_not_present", "build", "refresh")
                .read(node, path);
        return "if_not_present".equals(policy) ? "missing" : policy;
    }
}
