package dev.rollout.agent.cli;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Version;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line: parses, calls the verb, turns what it throws into a message and an exit code. */
public final class Cli {
    private Cli() {}

    /** The verbs. Each is made only when it is asked for: building all of them costs more than running one. */
    private static final Map<String, Supplier<Verb>> VERBS = verbs();

    private static Map<String, Supplier<Verb>> verbs() {
        Map<String, Supplier<Verb>> verbs = new LinkedHashMap<>();
        verbs.put("up", Up::new);
        verbs.put("plan", Plan::new);
        verbs.put("status", Status::new);
        verbs.put("ps", Ps::new);
        verbs.put("history", History::new);
        verbs.put("logs", Logs::new);
        verbs.put("attach", Attach::new);
        verbs.put("abort", Abort::new);
        verbs.put("undo", Undo::new);
        verbs.put("lock", Lock::new);
        verbs.put("unlock", Unlock::new);
        verbs.put("config", Config::new);
        verbs.put("prune", Prune::new);
        verbs.put("doctor", Doctor::new);
        verbs.put("completion", Completion::new);
        return verbs;
    }

    @Command(
            name = "rollout",
            description = "Zero-downtime container rollouts on Docker hosts.",
            mixinStandardHelpOptions = true,
            version = Version.TEXT)
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
        add(command, args.length > 0 ? args[0] : "", agent);
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

    /** The verb that was asked for; all of them where it is none, for the help and for suggestions. */
    private static void add(CommandLine command, String wanted, ToIntFunction<Folders> agent) {
        VERBS.forEach((name, verb) -> {
            if (name.equals(wanted) || !VERBS.containsKey(wanted) && !wanted.equals("agent")) {
                command.addSubcommand(name, verb.get());
            }
        });
        if (!VERBS.containsKey(wanted)) {
            command.addSubcommand(
                    "agent", new CommandLine(new AgentVerb()).addSubcommand("run", new AgentVerb.Run(agent)));
        }
    }

    /** The whole command line, for the completion script. */
    static CommandLine whole() {
        CommandLine command = new CommandLine(new Root());
        add(command, "", folders -> Exit.USAGE);
        return command;
    }

    private static void withHelp(CommandLine command) {
        command.addMixin("help", new HelpOption());
        command.getSubcommands().values().forEach(Cli::withHelp);
    }

    /** {@code --help} on every verb. */
    static final class HelpOption {
        @CommandLine.Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "show this")
        private boolean help;

        boolean help() {
            return help;
        }
    }
}
