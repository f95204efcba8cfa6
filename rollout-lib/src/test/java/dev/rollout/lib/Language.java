package dev.rollout.lib;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A client of the contract in another language, as a process in a container of its own. */
enum Language {
    PYTHON("python3", "py"),
    NODE("node", "mjs"),
    SHELL("sh", "sh");

    private final String command;
    private final String suffix;

    Language(String command, String suffix) {
        this.command = command;
        this.suffix = suffix;
    }

    /** Races for the ids, from one of them on and around, as the named instance; each won id is a line in the file. */
    Process race(Path folder, String instance, int ids, int from, Path won) throws Exception {
        return inContainer(folder, instance, "race", Integer.toString(ids), Integer.toString(from))
                .redirectOutput(won.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** Runs one of the programs in src/test/languages. */
    ProcessBuilder inContainer(Path folder, String instance, String program, String... words) throws Exception {
        List<String> docker =
                new ArrayList<>(List.of("docker", "run", "--rm", "--name", instance, "--network", "none"));
        docker.addAll(List.of(
                "--user", Files.getAttribute(folder, "unix:uid") + ":" + Files.getAttribute(folder, "unix:gid")));
        docker.addAll(List.of("--read-only", "--tmpfs", "/tmp", "-v", folder + ":/run/rollout"));
        docker.addAll(List.of("-v", Path.of("..", "compose-examples", "clients").toRealPath() + ":/clients:ro"));
        docker.addAll(List.of("-v", Path.of("src", "test", "languages").toRealPath() + ":/tests:ro"));
        docker.addAll(List.of("-e", "ROLLOUT_INSTANCE=" + instance, "-e", "ROLLOUT_GENERATION=2", image()));
        docker.addAll(List.of(command, "/tests/" + program + "." + suffix));
        docker.addAll(List.of(words));
        return new ProcessBuilder(docker);
    }

    static String image() throws Exception {
        return Script.run("language-images");
    }
}
