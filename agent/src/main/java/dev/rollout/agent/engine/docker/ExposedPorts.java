package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ports that a container exposes: an Engine from 29 on takes no ranges, which Compose sends as its file has them. */
final class ExposedPorts {
    private static final Pattern RANGE = Pattern.compile("(\\d{1,5})-(\\d{1,5})(/[a-z]+)?");

    private ExposedPorts() {}

    /** @param body of a container's creation; each port of a range is one of its own after it */
    static void spell(ObjectNode body) {
        JsonNode exposed = body.path("ExposedPorts");
        ObjectNode each = body.objectNode();
        exposed.properties().forEach(port -> {
            Matcher range = RANGE.matcher(port.getKey());
            if (range.matches()) {
                String protocol = range.group(3) == null ? "" : range.group(3);
                for (int one = Integer.parseInt(range.group(1)); one <= Integer.parseInt(range.group(2)); one++) {
                    each.putObject(one + protocol);
                }
            } else {
                each.putObject(port.getKey());
            }
        });
        if (!each.isEmpty()) {
            body.set("ExposedPorts", each);
        }
    }
}
