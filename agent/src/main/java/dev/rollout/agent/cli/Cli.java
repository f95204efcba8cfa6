package dev.rollout.agent.cli;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Version;
import java.util.function.ToIntFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line: parses, calls the verb, turns what it throws into a message and an exit code. */
public final class Cli {
    private Cli() {}

    @Command(
            name = "rollout",
            description = "Zero-downtime container rollouts on Docker hosts.",
            mixinStandardHelpOptions = true,
            version = Version.TEXT,
            subcommands = {
                Up.class,
                Plan.class,
                Status.class,
                Ps.class,
                History.class,
                Logs.class,
                Attach.class,
                Abort.class,
                Undo.class,
                Lock.class,
                Unlock.class,
                Config.class,
                Prune.class,
                Doctor.class,
                Completion.class,
                AgentVerb.class
            })
    static final class Root extends Verb {
        @Override
        public Integer call() {
            CommandLine.usage(this, System.err);
            return Exit.USAGE;
        }
    }

    /**
     * Runs one command.
     *
     * @param agent what {@code agent run} runs
     * @return the exit code
     */
    public static int run(String[] args, ToIntFunction<Folders> agent) {
        if (args.length == 1 && args[0].equals("version")) {
            System.out.println("rollout " + Version.TEXT);
            return Exit.DONE;
        }
        CommandLine command = new CommandLine(new Root());
        command.getSubcommands().get("agent").addSubcommand("run", new AgentVerb.Run(agent));
        command.setCaseInsensitiveEnumValuesAllowed(true);
        command.setExecutionExceptionHandler((e, line, result) -> {
            if (e instanceof CliException failed) {
                System.err.println("rollout: " + failed.getMessage());
                return failed.exit();
            }
            throw e;
        });
        command.setParameterExceptionHandler((e, parsed) -> {
            System.err.println("rollout: " + e.getMessage());
            CommandLine.UnmatchedArgumentException.printSuggestions(e, System.err);
            System.err.println("'rollout " + (parsed.length > 0 && !parsed[0].startsWith("-") ? parsed[0] + " " : "")
                    + "--help' shows what there is");
            return Exit.USAGE;
        });
        command.getSubcommands().values().forEach(Cli::withHelp);
        return command.execute(args);
    }

    private static void withHelp(CommandLine command) {
        command.addMixin("help", new HelpOption());
        command.getSubcommands().values().forEach(Cli::withHelp);
    }

    /** {@code --help} on every verb. */
    static final class HelpOption {
        @CommandLine.Option(names = {"-h", "--help"}, usageHelp = true, description = "show this")
        private boolean help;

        boolean help() {
            return help;
        }
    }
}
