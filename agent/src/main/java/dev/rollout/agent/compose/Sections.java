package dev.rollout.agent.compose;

import static dev.rollout.agent.compose.Shape.ANY;
import static dev.rollout.agent.compose.Shape.BOOLEAN;
import static dev.rollout.agent.compose.Shape.TEXT;
import static dev.rollout.agent.compose.Shape.TEXT_OR_NUMBER;
import static dev.rollout.agent.compose.Shape.field;
import static dev.rollout.agent.compose.Shape.keyValues;
import static dev.rollout.agent.compose.Shape.listOf;
import static dev.rollout.agent.compose.Shape.mapOf;
import static dev.rollout.agent.compose.Shape.object;
import static dev.rollout.agent.compose.Shape.orEmpty;
import static dev.rollout.agent.compose.Shape.pointer;
import static dev.rollout.agent.compose.Shape.unwritten;

import dev.rollout.agent.compose.Shape.ObjectShape;

/** The keys of a file's top level and of its sections, but for the services, in the order in which Compose prints them. */
final class Sections {
    private Sections() {}

    private static final Shape EXTERNAL = (node, path) -> {
        if (node instanceof Node.Mapping) {
            return object(field("name", TEXT)).read(node, path);
        }
        return BOOLEAN.read(node, path);
    };

    static final ObjectShape NETWORK = object(
            field("name", TEXT),
            field("driver", TEXT),
            field("driver_opts", mapOf(TEXT_OR_NUMBER)),
            orEmpty(
                    "ipam",
                    object(
                            field("driver", TEXT),
                            field(
                                    "config",
                                    listOf(object(
                                            field("subnet", TEXT),
                                            field("gateway", TEXT),
                                            field("ip_range", TEXT),
                                            field("aux_addresses", mapOf(TEXT))))),
                            unwritten("options", mapOf(TEXT_OR_NUMBER)))),
            field("external", EXTERNAL),
            field("internal", BOOLEAN),
            field("attachable", BOOLEAN),
            field("labels", keyValues("")),
            pointer("enable_ipv4", BOOLEAN),
            field("enable_ipv6", BOOLEAN));

    static final ObjectShape VOLUME = object(
            field("name", TEXT),
            field("driver", TEXT),
            field("driver_opts", mapOf(TEXT_OR_NUMBER)),
            field("external", EXTERNAL),
            field("labels", keyValues("")));

    static final ObjectShape FILE_OBJECT = object(
            field("name", TEXT),
            field("file", TEXT),
            field("environment", TEXT),
            field("content", TEXT),
            field("external", EXTERNAL),
            field("labels", keyValues("")),
            field("driver", TEXT),
            field("driver_opts", mapOf(TEXT_OR_NUMBER)),
            field("template_driver", TEXT));

    static final ObjectShape FILE = object(
            field("version", ANY),
            field("name", TEXT),
            field("include", ANY),
            field("services", ANY),
            field("networks", ANY),
            field("volumes", ANY),
            field("secrets", ANY),
            field("configs", ANY),
            field("models", ANY)); // whose services say what they cannot be
}
