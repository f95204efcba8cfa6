package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * What a process in the background says: a file that it has open for appending, so that it cannot be put aside. It is copied
 * and emptied instead; what is said between the two is lost.
 *
 * @param most bytes, before it is put aside; as much again is kept of what was put aside last, by the name {@code ….1}
 */
public record LogFile(Path file, long most) {
    /** What the agent and the gateway get: days of either, or an hour of a busy access log. */
    public static final long MOST = 32L << 20;

    /** @throws IOException where it cannot be put aside; it is as it was then */
    public void keepSmall() throws IOException {
        if (!Files.exists(file) || Files.size(file) <= most) {
            return;
        }
        Path copy = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
            Files.move(copy, file.resolveSibling(file.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(copy); // half a copy takes the last room of a disk that is full
        }
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
                .close();
    }
}
