package dev.rollout.agent.compose;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code ports:}, short and long; a range in the short syntax becomes one entry a port. */
final class Ports {
    private static final Pattern SHORT = Pattern.compile(
            "(?:(?:(\\[[0-9a-fA-F:.]+]|[0-9.]+|[0-9a-fA-F:]+):)?([0-9-]*):)?([0-9]+(?:-[0-9]+)?)(?:/(\\w+))?");

    private static final Shape LONG = Shape.object(
            Shape.field("name", Shape.TEXT),
            Shape.field("mode", Shape.TEXT),
            Shape.field("host_ip", Shape.TEXT),
            Shape.field("target", Shape.INTEGER),
            Shape.field("published", Shape.TEXT_OR_NUMBER),
            Shape.field("protocol", Shape.TEXT),
            Shape.field("app_protocol", Shape.TEXT));

    private Ports() {}

    static Object read(Node node, String path) {
        if (!(node instanceof Node.Sequence sequence)) {
            if (node.isNull()) {
                return List.of();
            }
            throw Shape.wrong(node, path, "a list");
        }
        List<Map<String, @Nullable Object>> ports = new ArrayList<>();
        for (int i = 0; i < sequence.items().size(); i++) {
            Node item = sequence.items().get(i);
            String at = path + "[" + i + "]";
            if (item instanceof Node.Mapping) {
                ports.add(full(item, at));
            } else {
                ports.addAll(expand(item, at));
            }
        }
        return ports.stream().distinct().toList();
    }

    private static Map<String, @Nullable Object> full(Node node, String path) {
        Map<String, @Nullable Object> port = new LinkedHashMap<>();
        Object read = LONG.read(node, path);
        if (!(read instanceof Map<?, ?> given) || !given.containsKey("target")) {
            throw new ComposeException(node.mark(), path + " needs a target: the port in the container");
        }
        if (given.get("published") != null
                && !String.valueOf(given.get("published")).isEmpty()) {
            range(String.valueOf(given.get("published")), node, path);
        }
        for (String key : List.of("name", "mode", "host_ip", "target", "published", "protocol", "app_protocol")) {
            Object value = given.get(key);
            Object fallback = key.equals("mode") ? "ingress" : key.equals("protocol") ? "tcp" : null;
            if (value != null || fallback != null) {
                port.put(key, value == null ? fallback : value);
            }
        }
        return port;
    }

    private static List<Map<String, @Nullable Object>> expand(Node node, String path) {
        Object spec = Shape.TEXT_OR_NUMBER.read(node, path);
        Matcher parts = SHORT.matcher(String.valueOf(spec));
        if (!parts.matches()) {
            throw new ComposeException(
                    node.mark(), path + ": '" + spec + "' is no port; write [HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL]");
        }
        String ip = parts.group(1);
        long[] target = range(parts.group(3), node, path);
        String publishedText = parts.group(2);
        long[] published = publishedText == null || publishedText.isEmpty() ? null : range(publishedText, node, path);
        String protocol = parts.group(4) == null ? "tcp" : parts.group(4).toLowerCase(java.util.Locale.ROOT);
        if (!List.of("tcp", "udp", "sctp").contains(protocol)) {
            throw new ComposeException(node.mark(), path + ": '" + protocol + "' is no protocol; tcp, udp or sctp");
        }
        boolean pool = published != null && target[0] == target[1] && published[0] != published[1];
        if (published != null && !pool && target[1] - target[0] != published[1] - published[0]) {
            throw new ComposeException(node.mark(), path + ": '" + spec + "' has ranges of different lengths");
        }
        List<Map<String, @Nullable Object>> ports = new ArrayList<>();
        for (long offset = 0; offset <= target[1] - target[0]; offset++) {
            Map<String, @Nullable Object> port = new LinkedHashMap<>();
            port.put("mode", "ingress");
            if (ip != null) {
                port.put("host_ip", ip.startsWith("[") ? ip.substring(1, ip.length() - 1) : ip);
            }
            port.put("target", target[0] + offset);
            if (published != null) {
                port.put("published", pool ? publishedText : Long.toString(published[0] + offset));
            }
            port.put("protocol", protocol);
            ports.add(port);
        }
        return ports;
    }

    private static long[] range(String text, Node node, String path) {
        String[] ends = text.split("-", -1);
        try {
            long from = Long.parseLong(ends[0]);
            long to = ends.length == 1 ? from : Long.parseLong(ends[1]);
            if (ends.length <= 2 && from <= to && from >= 0 && to <= 65535) {
                return new long[] {from, to};
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ComposeException(node.mark(), path + ": '" + text + "' is no port and no range of ports (0-65535)");
    }
}
