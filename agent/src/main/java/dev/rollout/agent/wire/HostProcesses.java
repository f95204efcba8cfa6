package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The processes of this host, as far as this one sees them. */
public final class HostProcesses {
    private static final Path ALL = Path.of("/proc");

    private HostProcesses() {}

    /** Their folders in {@code /proc}. */
    public static List<Path> all() throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(ALL, "[0-9]*")) {
            all.forEach(found::add);
        }
        return found;
    }
}
