package dev.rollout.agent.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The user and the group that this process runs as. */
public record OwnUser(int uid, int gid) {
    private static final Path SELF = Path.of("/proc/self");

    public static OwnUser get() {
        try {
            return new OwnUser(
                    (Integer) Files.getAttribute(SELF, "unix:uid"), (Integer) Files.getAttribute(SELF, "unix:gid"));
        } catch (IOException e) {
            throw new IllegalStateException("no /proc", e);
        }
    }
}
