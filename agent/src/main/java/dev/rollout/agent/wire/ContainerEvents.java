package dev.rollout.agent.wire;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** What is asked of the Engine to hear of containers that start, die or are removed. */
public final class ContainerEvents {
    /** The Engine's path, without the version of the API. */
    public static final String PATH = "/events?filters="
            + URLEncoder.encode(
                    "{\"type\":[\"container\"],\"event\":[\"die\",\"destroy\",\"start\"]}", StandardCharsets.UTF_8);

    private ContainerEvents() {}
}
