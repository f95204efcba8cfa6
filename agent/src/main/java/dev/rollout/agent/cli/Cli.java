package dev.rollout.agent.cli;

import dev.rollout.agent.compose.Nearest;
import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.Version;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/** The command line: finds the verb, calls it, turns what it throws into a message and an exit code. */
public final class Cli {
    private static final String PLUGIN_METADATA = "docker-cli-plugin-metadata";

    private Cli() {}

    /** The verbs. Only the one that is asked for is made. */
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
        verbs.put("pause", Pause::new);
        verbs.put("resume", Resume::new);
        verbs.put("release", Release::new);
        verbs.put("lock", Lock::new);
        verbs.put("unlock", Unlock::new);
        verbs.put("config", Config::new);
        verbs.put("prune", Prune::new);
        verbs.put("doctor", Doctor::new);
        verbs.put("completion", Completion::new);
        verbs.put("version", VersionVerb::new);
        verbs.put("agent run", () -> new Run("the agent", folders -> Exit.USAGE));
        verbs.put("agent start", AgentVerb.Start::new);
        verbs.put("agent stop", AgentVerb.Stop::new);
        verbs.put("agent status", AgentVerb.State::new);
        verbs.put("agent upgrade", AgentVerb.Upgrade::new);
        verbs.put("gateway run", () -> new Run("the gateway", folders -> Exit.USAGE));
        verbs.put(
                "gateway take-over",
                () -> new Run("a gateway in the place of the one that runs", folders -> Exit.USAGE));
        verbs.put("gateway status", GatewayVerb.State::new);
        verbs.put("gateway stop", GatewayVerb.Stop::new);
        verbs.put("gateway upgrade", GatewayVerb.Upgrade::new);
        verbs.put("gateway metrics", GatewayVerb.Counters::new);
        return verbs;
    }

    /** All verbs and what they take, for completion and help. */
    static Map<String, Syntax> all() {
        Map<String, Syntax> all = new LinkedHashMap<>();
        VERBS.forEach((name, verb) -> all.put(name, verb.get().syntax()));
        return all;
    }

    /**
     * Runs one command.
     *
     * @param processes what {@code agent run}, {@code gateway run} and {@code gateway take-over} run
     * @return the exit code
     */
    public static int run(String[] args, Map<String, ToIntFunction<Folders>> processes) {
        if (args.length > 0 && args[0].equals(PLUGIN_METADATA)) {
            System.out.println("{\"SchemaVersion\":\"0.1.0\",\"Vendor\":\"Rollout\",\"Version\":\"" + Version.TEXT
                    + "\",\"ShortDescription\":\"Zero-downtime rollouts of Compose services\"}");
            return Exit.DONE;
        }
        // as a plugin, docker names it once more: docker rollout up web
        List<String> typed = List.of(args).subList(args.length > 0 && args[0].equals("rollout") ? 1 : 0, args.length);
        try {
            return run(typed, processes);
        } catch (CliException e) {
            System.err.println("rollout: " + e.getMessage());
            return e.exit();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static int run(List<String> args, Map<String, ToIntFunction<Folders>> processes) throws Exception {
        int at = verbAt(args);
        String first = at < args.size() ? args.get(at) : "";
        if (first.isEmpty() || first.equals("-h") || first.equals("--help") || first.equals("help")) {
            help(first.isEmpty() ? System.err : System.out);
            return first.isEmpty() ? Exit.USAGE : Exit.DONE;
        }
        if (first.equals("--version")) {
            first = "version";
        }
        boolean two = at + 1 < args.size() && VERBS.containsKey(first + " " + args.get(at + 1));
        String name = two ? first + " " + args.get(at + 1) : first;
        Supplier<Verb> made = VERBS.get(name);
        if (made == null) {
            throw new CliException(Exit.USAGE, unknown(first));
        }
        ToIntFunction<Folders> process = processes.get(name);
        Verb verb = process == null ? made.get() : new Run(name, process);
        List<String> typed = new ArrayList<>(args.subList(0, at));
        typed.addAll(args.subList(at + (two ? 2 : 1), args.size()));
        Line line = verb.syntax().parse(name, typed);
        if (line == Line.HELP) {
            verb.syntax().help(name, System.out);
            return Exit.DONE;
        }
        return verb.run(line);
    }

    /** Where the verb stands: docker compose takes the project's options before it, and so do we. */
    private static int verbAt(List<String> args) {
        Syntax project = Syntax.of("").project();
        int at = 0;
        while (at < args.size()
                && !args.get(at).contains("help")
                && !args.get(at).equals("-h")) {
            Optional<org.apache.commons.cli.Option> option = project.before(args.get(at));
            if (option.isEmpty()) {
                break;
            }
            at += args.get(at).contains("=") ? 1 : 2;
        }
        return at;
    }

    private static String unknown(String verb) {
        if (verb.equals("agent") || verb.equals("gateway")) {
            return "rollout " + verb + " "
                    + (verb.equals("agent")
                            ? "run|start|stop|status|upgrade"
                            : "run|status|stop|upgrade|metrics|take-over");
        }
        String near = Nearest.to(verb, VERBS.keySet())
                .map(nearest -> "; did you mean '" + nearest + "'?")
                .orElse("");
        return "there is no '" + verb + "'" + near + "\n'rollout --help' shows what there is";
    }

    private static void help(PrintStream out) {
        out.println("usage: rollout VERB [OPTIONS] [SERVICE…]\n\nZero-downtime container rollouts on Docker hosts, "
                + Version.TEXT + ".\n");
        all().forEach((name, syntax) -> out.printf("  %-14s %s%n", name, syntax.description()));
        out.println("\n'rollout VERB --help' shows what a verb takes.");
    }
}
