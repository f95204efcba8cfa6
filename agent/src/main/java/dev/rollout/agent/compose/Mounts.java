package dev.rollout.agent.compose;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@code volumes:} and {@code devices:} of a service, short and long. */
final class Mounts {
    private static final List<String> PROPAGATION =
            List.of("shared", "rshared", "slave", "rslave", "private", "rprivate");
    private static final List<String> CONSISTENCY = List.of("consistent", "cached", "delegated");

    private static final Shape LONG = Shape.object(
            Shape.field("type", Shape.oneOf("bind", "volume", "tmpfs", "npipe", "cluster", "image")),
            Shape.field("source", Shape.TEXT),
            Shape.field("target", Shape.TEXT),
            Shape.field("read_only", Shape.BOOLEAN),
            Shape.field("consistency", Shape.TEXT),
            Shape.pointer(
                    "bind",
                    Shape.object(
                            Shape.field("selinux", Shape.TEXT),
                            Shape.field("propagation", Shape.TEXT),
                            Shape.field("create_host_path", Shape.BOOLEAN),
                            Shape.field("recursive", Shape.oneOf("enabled", "disabled", "writable", "readonly")))),
            Shape.pointer(
                    "volume",
                    Shape.object(
                            Shape.field("labels", Shape.keyValues("")),
                            Shape.field("nocopy", Shape.BOOLEAN),
                            Shape.field("subpath", Shape.TEXT))),
            Shape.pointer("tmpfs", Shape.object(Shape.field("size", Shape.BYTES), Shape.field("mode", Shape.INTEGER))),
            Shape.pointer("image", Shape.object(Shape.field("subpath", Shape.TEXT))));

    private static final Shape DEVICE = Shape.object(
            Shape.field("source", Shape.TEXT),
            Shape.field("target", Shape.TEXT),
            Shape.field("permissions", Shape.TEXT));

    private Mounts() {}

    static @Nullable Object volume(Node node, String path) {
        if (node instanceof Node.Mapping mapping) {
            if (mapping.get("type") == null) {
                throw new ComposeException(node.mark(), path + " needs a type: bind, volume, tmpfs or image");
            }
            target(mapping, path);
            return LONG.read(node, path);
        }
        String text = String.valueOf(Objects.requireNonNullElse(Shape.TEXT.read(node, path), ""));
        String[] parts = text.split(":", -1);
        if (text.isEmpty() || parts.length > 3) {
            throw new ComposeException(node.mark(), path + ": '" + text + "' is no volume; write [SOURCE:]TARGET[:ro]");
        }
        for (String part : parts) {
            if (part.isEmpty()) {
                throw new ComposeException(node.mark(), path + ": '" + text + "' has an empty section between colons");
            }
        }
        Map<String, @Nullable Object> mount = new LinkedHashMap<>();
        boolean bind = parts.length > 1 && (parts[0].startsWith("/") || parts[0].startsWith("."));
        mount.put("type", bind ? "bind" : "volume");
        if (parts.length > 1) {
            mount.put("source", parts[0]);
        }
        String target = parts[parts.length == 1 ? 0 : 1];
        mount.put(
                "target",
                target.length() > 1 && target.endsWith("/") ? target.substring(0, target.length() - 1) : target);
        Map<String, @Nullable Object> details = new LinkedHashMap<>();
        Map<String, @Nullable Object> selinux = new LinkedHashMap<>();
        if (parts.length == 3) {
            options(parts[2], mount, details, bind ? details : selinux, node, path);
        }
        if (bind) {
            details.put("create_host_path", true);
        }
        if (!selinux.isEmpty()) {
            mount.put("bind", selinux);
        }
        mount.put(bind ? "bind" : "volume", details);
        return mount;
    }

    private static void options(
            String words,
            Map<String, @Nullable Object> mount,
            Map<String, @Nullable Object> details,
            Map<String, @Nullable Object> selinux,
            Node node,
            String path) {
        for (String word : words.split(",", -1)) {
            if (word.equals("ro")) {
                mount.put("read_only", true);
            } else if (word.equals("z") || word.equals("Z")) {
                selinux.put("selinux", word);
            } else if (word.equals("nocopy")) {
                details.put("nocopy", true);
            } else if (PROPAGATION.contains(word)) {
                details.put("propagation", word);
            } else if (!CONSISTENCY.contains(word) && !word.equals("rw")) { // consistency: for Docker Desktop of old
                throw new ComposeException(
                        node.mark(),
                        path + ": '" + word + "' is no volume option (ro, rw, z, Z, nocopy, "
                                + String.join(", ", PROPAGATION) + ")");
            }
        }
    }

    static @Nullable Object device(Node node, String path) {
        if (node instanceof Node.Mapping mapping) {
            target(mapping, path);
            return DEVICE.read(node, path);
        }
        String[] parts = String.valueOf(Shape.TEXT.read(node, path)).split(":", -1);
        if (parts.length > 3) {
            throw new ComposeException(node.mark(), path + " is no device; write SOURCE[:TARGET[:rwm]]");
        }
        Map<String, @Nullable Object> device = new LinkedHashMap<>();
        device.put("source", parts[0]);
        device.put("target", parts.length > 1 ? parts[1] : parts[0]);
        device.put("permissions", parts.length > 2 ? parts[2] : "rwm");
        return device;
    }

    private static void target(Node.Mapping mapping, String path) {
        if (mapping.get("target") == null) {
            throw new ComposeException(mapping.mark(), path + " needs a target: where the container finds it");
        }
    }
}
