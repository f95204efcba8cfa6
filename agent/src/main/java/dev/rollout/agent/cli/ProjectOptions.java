package dev.rollout.agent.cli;

import dev.rollout.agent.compose.ComposeException;
import dev.rollout.agent.compose.LoadRequest;
import dev.rollout.agent.compose.ProjectLoader;
import dev.rollout.agent.model.ProjectSpec;
import java.nio.file.Path;
import java.util.List;

/** Which project: the options of docker compose. The CLI reads the files, since environment and rights are the user's. */
record ProjectOptions(Line line) {
    /** Loads the project; what is wrong with it ends the command with exit code 2. */
    ProjectSpec load(List<String> services) {
        try {
            ProjectSpec project = ProjectLoader.load(new LoadRequest(
                    Path.of("").toAbsolutePath(),
                    line.all("file"),
                    line.all("env-file"),
                    line.all("profile"),
                    line.text("project-name"),
                    line.text("project-directory"),
                    services,
                    Caller.environment()));
            project.unsetVariables()
                    .forEach(variable ->
                            System.err.println("warning: the variable " + variable + " is not set; blank is used"));
            return project;
        } catch (ComposeException e) {
            throw new CliException(Exit.USAGE, e.getMessage() + "\nnothing was started");
        }
    }
}
