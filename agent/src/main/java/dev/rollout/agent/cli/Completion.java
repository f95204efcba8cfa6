package dev.rollout.agent.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "completion", description = "print a completion script: source <(rollout completion bash)")
final class Completion extends Verb {
    @Parameters(paramLabel = "SHELL", description = "bash or zsh")
    private String shell = "";

    @Override
    public Integer call() {
        if (!shell.equals("bash") && !shell.equals("zsh")) {
            throw new CliException(Exit.USAGE, "'" + shell + "' is not supported; bash or zsh");
        }
        System.out.print(AutoComplete.bash("rollout", Cli.whole()));
        return Exit.DONE;
    }
}
