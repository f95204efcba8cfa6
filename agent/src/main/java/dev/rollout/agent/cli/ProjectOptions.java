package dev.rollout.agent.cli;

import dev.rollout.agent.compose.ComposeException;
import dev.rollout.agent.compose.LoadRequest;
import dev.rollout.agent.compose.ProjectLoader;
import dev.rollout.agent.model.ProjectSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which project: the options of docker compose. The CLI reads the files, since environment and rights are the user's. */
final class ProjectOptions {
    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "Compose file; may be given more than once")
    private List<String> files = new ArrayList<>();

    @Option(
            names = {"-p", "--project-name"},
            paramLabel = "NAME",
            description = "project name")
    private @Nullable String name;

    @Option(names = "--profile", paramLabel = "NAME", description = "profile to switch on")
    private List<String> profiles = new ArrayList<>();

    @Option(names = "--env-file", paramLabel = "FILE", description = "file of variables instead of .env")
    private List<String> envFiles = new ArrayList<>();

    @Option(names = "--project-directory", paramLabel = "DIR", description = "what paths are relative to")
    private @Nullable String directory;

    /** Loads the project; what is wrong with it ends the command with exit code 2. */
    ProjectSpec load(List<String> services) {
        try {
            ProjectSpec project = ProjectLoader.load(new LoadRequest(
                    Path.of("").toAbsolutePath(),
                    files,
                    envFiles,
                    profiles,
                    name,
                    directory,
                    services,
                    System.getenv()));
            project.unsetVariables()
                    .forEach(variable ->
                            System.err.println("warning: the variable " + variable + " is not set; blank is used"));
            return project;
        } catch (ComposeException e) {
            throw new CliException(Exit.USAGE, e.getMessage() + "\nnothing was started");
        }
    }
}
