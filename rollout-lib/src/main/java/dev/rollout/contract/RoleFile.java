package dev.rollout.contract;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code role.json}: the durable half of the truth about roles. Written by the agent alone (temporary file, fsync,
 * rename), read by every instance; survives a reboot, which the database in shared memory does not.
 */
public record RoleFile(Scope scope, String phase) {
    /** The file's name, under {@code $ROLLOUT_DIR/state} in the container. */
    public static final String NAME = "role.json";

    private static final Pattern FIELD = Pattern.compile("\"(\\w+)\"\\s*:\\s*(?:\"([^\"]*)\"|(-?\\d+)|null)");

    /**
     * Reads the file.
     *
     * @return empty where there is none
     * @throws IOException where it cannot be read, or is not one of ours: never guessed at
     */
    public static Optional<RoleFile> read(Path file) throws IOException {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        String active = null;
        String phase = "";
        Mode mode = null;
        long generation = -1;
        long minGeneration = -1;
        Matcher field = FIELD.matcher(text);
        while (field.find()) {
            switch (field.group(1)) {
                case "active" -> active = field.group(2);
                case "phase" -> phase = field.group(2) == null ? "" : field.group(2);
                case "mode" -> mode = Mode.of(field.group(2));
                case "generation" -> generation = Long.parseLong(field.group(3));
                case "min_generation" -> minGeneration = Long.parseLong(field.group(3));
                default -> {} // newer agents may say more
            }
        }
        if (mode == null || generation < 0 || minGeneration < 0) {
            throw new IOException(file + " is not a role file: " + text.strip());
        }
        return Optional.of(new RoleFile(new Scope(mode, active, generation, minGeneration), phase));
    }

    /** Replaces the file in one step: a reader sees the old text or the new one, after a power cut too. */
    public void write(Path file) throws IOException {
        String active = scope.active();
        String json = "{\"active\": " + (active == null ? "null" : "\"" + active + "\"") + ", \"generation\": "
                + scope.generation() + ", \"min_generation\": " + scope.minGeneration() + ", \"mode\": \""
                + scope.mode().word() + "\", \"phase\": \"" + phase + "\"}\n";
        Path temporary = file.resolveSibling(NAME + ".new");
        try (FileChannel out = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            out.write(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)));
            out.force(true);
        }
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-r--r--"));
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }
}
