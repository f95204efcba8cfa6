package dev.rollout.agent.docker;

import static dev.rollout.agent.docker.Published.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The Engine's containerd image store: an image that loses its name is removed, whatever runs it. */
class ImageStoreIT {
    private static final String KEPT = "rollout-keeps";

    /** As a build or a pull does it. */
    private static void moveTag(Rig rig, String tag, String version) throws Exception {
        String made =
                "docker create --name " + rig.project + "-source rollout-examples/busybox:1 true && docker export "
                        + rig.project + "-source | docker import -c 'USER 1000:1000' -c 'ENV PATH=/bin VERSION="
                        + version + "' - "
                        + tag + " && docker rm " + rig.project + "-source";
        ok(rig.run("sh", "-c", made));
    }

    private static List<String> versions(Rig rig) throws Exception {
        return rig.containers("web").stream().map(Rig.Container::version).toList();
    }

    private static long kept(Rig rig) throws Exception {
        return rig.docker("images", "--quiet", KEPT).out().lines().count();
    }

    @Test
    void aVersionWhoseTagHasMovedOnCanBeGoneBackTo() throws Exception {
        try (SecondEngine engine = new SecondEngine("{\"features\": {\"containerd-snapshotter\": true}}");
                Rig rig = new Rig()) {
            rig.environment.put("DOCKER_HOST", engine.host);
            assertTrue(rig.docker("info").out().contains("io.containerd.snapshotter"), "this proves nothing elsewhere");
            String tag = rig.project + ":latest";
            rig.services("web:\n  image: " + tag + "\n  command: [sleep, \"1000\"]\n  stop_signal: SIGKILL\n"
                    + "  x-rollout: {readiness: {exec: [\"true\"]}}\n");
            moveTag(rig, tag, "1");
            ok(rig.compose("up", "-d"));
            assertEquals(2, rig.rollout("undo", "web").exit(), "there is nothing to go back to");
            ok(rig.rollout("up", "web")); // nothing to do
            for (String version : List.of("2", "3", "4")) {
                moveTag(rig, tag, version);
                ok(rig.rollout("up", "web"));
            }
            assertEquals(List.of("4"), versions(rig));
            assertEquals(2, kept(rig), "what serves, and what undo needs");
            ok(rig.rollout("undo", "web"));
            assertEquals(List.of("3"), versions(rig));
            ok(rig.rollout("up", "web"));
            assertEquals(List.of("4"), versions(rig));
            ok(rig.rollout("prune"));
            assertEquals(1, kept(rig), "nothing that nobody needs");
        }
    }
}
