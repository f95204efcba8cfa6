package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.rollout.EngineRefused;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The images that undo may need. In the Engine's containerd image store, the one of Engine 29, an image that loses its last
 * name is gone with it, whatever runs it: who pulls or builds a tag anew takes the version that serves out of reach. There
 * such images have a name of ours, for as long as a container is of them.
 */
final class KeptImages {
    private static final Logger LOG = LoggerFactory.getLogger(KeptImages.class);
    private static final String NAME = "rollout-keeps";
    private static final int TAG_LENGTH = 12;

    private final DockerApi api;

    KeptImages(DockerApi api) {
        this.api = api;
    }

    /** Names the images of a service's containers, the parked one among them. */
    void keep(ServiceKey key) {
        if (!needed()) {
            return;
        }
        JsonNode containers = api.list(Labels.PROJECT + "=" + key.project(), Labels.SERVICE + "=" + key.service());
        for (String id : imagesOf(containers)) {
            try {
                api.post("/images/" + id + "/tag?repo=" + NAME + "&tag=" + tag(id), null);
            } catch (EngineRefused e) {
                LOG.warn("nobody can go back to {}, of {}: {}", id, key, e.getMessage()); // it was gone before
            }
        }
    }

    /** Takes the names away from images that no container is of any more. */
    void release() {
        if (!needed()) {
            return;
        }
        Set<String> used = imagesOf(api.list());
        String named = DockerApi.query("{\"reference\":[\"" + NAME + "\"]}");
        for (JsonNode image : api.get("/images/json?filters=" + named)) {
            String id = image.path("Id").asText();
            if (!used.contains(id)) {
                try {
                    api.delete("/images/" + NAME + ":" + tag(id));
                } catch (EngineRefused e) {
                    LOG.warn("the image {} stays: {}", id, e.getMessage());
                }
            }
        }
    }

    private static String tag(String id) {
        String digest = id.replaceFirst(".*:", "");
        return digest.substring(0, Math.min(TAG_LENGTH, digest.length()));
    }

    private boolean needed() {
        return api.info().path("DriverStatus").toString().contains("io.containerd.snapshotter");
    }

    private static Set<String> imagesOf(JsonNode containers) {
        Set<String> ids = new HashSet<>();
        containers.forEach(container -> ids.add(container.path("ImageID").asText()));
        return ids;
    }
}
