package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One process of a kind in a state folder, by a lock that dies with it. Closing it lets another be the one. */
public final class OneProcess implements AutoCloseable {
    /** Exit code of the one that came second. */
    public static final int ALREADY = 75;

    private static final Logger LOG = LoggerFactory.getLogger(OneProcess.class);

    private final FileChannel file;

    private OneProcess(FileChannel file) {
        this.file = file;
    }

    /** What the only one does. */
    @FunctionalInterface
    public interface Life {
        /** @return the exit code */
        int live() throws Exception;
    }

    /**
     * Lives, or ends at once where another of the kind does.
     *
     * @param kind {@code agent}: the lock is {@code agent.lock}
     * @throws IOException where the folder cannot be made or written
     */
    public static int run(Path state, String kind, Life life) throws Exception {
        Optional<OneProcess> one = take(state, kind);
        if (one.isEmpty()) {
            LOG.error("another {} uses {}", kind, state);
            return ALREADY;
        }
        try (OneProcess held = one.get()) {
            return life.live();
        }
    }

    /** Becomes the one; empty where another is. */
    public static Optional<OneProcess> take(Path state, String kind) throws IOException {
        Files.createDirectories(state);
        FileChannel file =
                FileChannel.open(state.resolve(kind + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (file.tryLock() == null) {
            file.close();
            return Optional.empty();
        }
        file.truncate(0);
        file.write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
        return Optional.of(new OneProcess(file));
    }

    /** The pid of the one that lives; empty where none does. */
    public static Optional<String> holder(Path state, String kind) {
        Path lock = state.resolve(kind + ".lock");
        try (FileChannel file = FileChannel.open(lock, StandardOpenOption.WRITE)) {
            return file.tryLock() == null ? Optional.of(Files.readString(lock)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
