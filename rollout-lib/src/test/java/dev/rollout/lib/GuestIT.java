package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.Mode;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The library where bots live: the oldest Java that it promises and the newest, a read-only container, any user. */
class GuestIT {
    private static final int GROUP = group();
    private static final String NOBODY = "12345:12345";
    private static final String NAMED = "JAVA_TOOL_OPTIONS=-Dorg.sqlite.tmpdir=/native";

    private static Path java(int version) throws IOException {
        List<Path> homes = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"))));
        for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
            Path java = Path.of(folder, "java");
            if (Files.exists(java)) {
                homes.add(java.toRealPath().resolve("../..").normalize());
            }
        }
        for (Path home : homes) {
            Path release = home.resolve("release");
            if (Files.exists(release) && Files.readString(release).contains("JAVA_VERSION=\"" + version + ".")) {
                return home;
            }
        }
        throw new IOException("no Java " + version + ": neither this one nor a 'java' on the PATH");
    }

    /** One that the containers' user is not in; an ordinary user can give files to his own alone. */
    private static int group() {
        try {
            int own = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:gid");
            return own == 0 ? 28770 : own;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String mode = "rw-rw----";

    private void share(Folder folder) throws IOException {
        Files.setAttribute(folder.path, "unix:gid", GROUP);
        Files.setAttribute(folder.path, "unix:mode", 02770);
        try (var files = Files.list(folder.path)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.setAttribute(file, "unix:gid", GROUP);
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
            }
        }
    }

    private String run(Folder folder, Path jdk, String... options) throws Exception {
        share(folder);
        List<String> classPath = new ArrayList<>();
        List<String> command = new ArrayList<>(List.of(
                "docker", "run", "--rm", "--read-only", "-v", folder.path + ":/run/rollout", "-v", jdk + ":/jdk:ro"));
        // a distribution's JDK has its configuration elsewhere
        if (Files.isDirectory(Path.of("/etc/java-17-openjdk"))) {
            command.addAll(List.of("-v", "/etc/java-17-openjdk:/etc/java-17-openjdk:ro"));
        }
        for (String entry : ClaimStoreContract.classPath().split(File.pathSeparator)) {
            Path path = Path.of(entry).toAbsolutePath();
            if (Files.exists(path)) {
                String inside = "/cp/" + classPath.size() + "/" + path.getFileName();
                classPath.add(inside);
                command.addAll(List.of("-v", path + ":" + inside + ":ro"));
            }
        }
        for (String variable : List.of("PROJECT=p", "SERVICE=service", "INSTANCE=a", "GENERATION=2")) {
            command.addAll(List.of("-e", "ROLLOUT_" + variable));
        }
        command.addAll(List.of("-e", "ROLLOUT_DIR=/run/rollout"));
        command.addAll(List.of(options));
        command.addAll(List.of(
                Script.run("language-images"),
                "/jdk/bin/java",
                "-cp",
                String.join(":", classPath),
                Guest.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return out;
    }

    @ParameterizedTest
    @ValueSource(ints = {17, 25})
    void aReadOnlyContainerOfAnyUserJoinsOnTheOldestAndTheNewestJava(int version) throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("a", 2);
            String group = Integer.toString(GROUP);
            String out = run(folder, java(version), "--user", NOBODY, "--group-add", group, "--tmpfs", "/tmp:exec");
            assertTrue(out.startsWith("java " + version) && out.endsWith("ACTIVE\nClaimed\n"), out);
            out = run(
                    folder,
                    java(version),
                    "--user",
                    NOBODY,
                    "--group-add",
                    group,
                    "--tmpfs",
                    "/native:exec",
                    "-e",
                    NAMED);
            assertTrue(
                    out.contains("java " + version) && out.endsWith("ACTIVE\nLost\n"),
                    out); // it says its options first
        }
    }

    /** Nothing may be executed in /tmp: it says so, and names the way out. */
    @Test
    void withoutAFolderForTheNativeLibraryItSaysWhatToDo() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("a", 2);
            String out = run(
                    folder,
                    java(25),
                    "--user",
                    NOBODY,
                    "--group-add",
                    Integer.toString(GROUP),
                    "--tmpfs",
                    "/tmp:noexec");
            assertTrue(out.contains("UNAVAILABLE"), out);
            assertTrue(out.contains("-Dorg.sqlite.tmpdir="), out);
        }
    }

    @Test
    void aUserOutsideTheGroupHearsWhichGroupItNeeds() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("a", 2);
            String out = run(folder, java(25), "--user", NOBODY, "--tmpfs", "/tmp:exec");
            assertTrue(out.contains("group " + GROUP), out);
            assertEquals(1, folder.agent.claim("create:1", 2, 1000).attempt(), "nobody had it");
        }
    }

    /** The right group, and a database that somebody has made unwritable for it. */
    @Test
    void aDatabaseOfTheWrongModeIsRefusedWithItsMode() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("a", 2);
            mode = "rw-r-----";
            String out = run(
                    folder, java(25), "--user", NOBODY, "--group-add", Integer.toString(GROUP), "--tmpfs", "/tmp:exec");
            assertTrue(out.contains("mode rw-r-----, group " + GROUP), out);
        }
    }
}
