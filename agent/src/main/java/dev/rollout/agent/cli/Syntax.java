package dev.rollout.agent.cli;

import dev.rollout.agent.compose.Nearest;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.HelpFormatter;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.MissingOptionException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;
import org.jspecify.annotations.Nullable;

/** What a verb takes: for parsing, for its help and for completion. */
final class Syntax {
    private static final int WIDTH = 100;

    private final String description;
    private final Options options = new Options();
    private final Map<String, List<String>> choices = new LinkedHashMap<>();
    private String shown = "";
    private int least;
    private int most;

    private Syntax(String description) {
        this.description = description;
        flag("h", "help", "show this");
    }

    static Syntax of(String description) {
        return new Syntax(description);
    }

    String description() {
        return description;
    }

    /** The words after the verb, between least and most of them. */
    Syntax words(String as, int from, int to) {
        shown = as;
        least = from;
        most = to;
        return this;
    }

    Syntax services() {
        return words("[SERVICE…]", 0, Integer.MAX_VALUE).project();
    }

    Syntax service() {
        return words("SERVICE", 1, 1).project();
    }

    Syntax maybeService() {
        return words("[SERVICE]", 0, 1).project();
    }

    /** Which project: the options of docker compose. */
    Syntax project() {
        value("f", "file", "FILE", "Compose file; may be given more than once");
        value("p", "project-name", "NAME", "project name");
        value(null, "profile", "NAME", "profile to switch on; may be given more than once");
        value(null, "env-file", "FILE", "file of variables instead of .env");
        return value(null, "project-directory", "DIR", "what paths are relative to");
    }

    Syntax flag(@Nullable String letter, String name, String words) {
        return add(Option.builder(letter).longOpt(name).desc(words));
    }

    Syntax value(@Nullable String letter, String name, String as, String words) {
        return add(Option.builder(letter).longOpt(name).hasArg().argName(as).desc(words));
    }

    /** An option without which the verb makes no sense. */
    Syntax required(String name, String as, String words) {
        return add(
                Option.builder().longOpt(name).hasArg().argName(as).desc(words).required());
    }

    private Syntax add(Option.Builder option) {
        options.addOption(option.get());
        return this;
    }

    /** One of a few words; the first is the default. */
    Syntax choice(String name, Enum<?>[] values, String words) {
        List<String> known = Arrays.stream(values)
                .map(value -> value.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .toList();
        choices.put(name, known);
        return value(null, name, String.join("|", known), words);
    }

    /** The options as they are typed, for completion. */
    List<String> typed() {
        return options.getOptions().stream()
                .map(option -> "--" + option.getLongOpt())
                .toList();
    }

    /** The option of docker compose that may stand before the verb as well; empty where it is none. */
    Optional<Option> before(String typed) {
        String name = typed.replaceFirst("=.*", "");
        return name.startsWith("-") && options.hasOption(name)
                ? Optional.of(options.getOption(name))
                : Optional.empty();
    }

    /** @throws CliException where it was not typed as it must be */
    Line parse(String verb, List<String> typed) {
        if (typed.contains("-h") || typed.contains("--help")) {
            return Line.HELP; // whatever else is missing
        }
        try {
            Line line = new Line(DefaultParser.builder()
                    .setAllowPartialMatching(false)
                    .get()
                    .parse(options, typed.toArray(String[]::new)));
            if (line.words().size() < least) {
                throw usage(verb, "missing " + shown);
            }
            if (line.words().size() > most) {
                throw usage(verb, "too much: '" + line.words().get(most) + "'");
            }
            choices.forEach((name, known) -> {
                if (line.has(name) && !known.contains(line.text(name, "").toLowerCase(Locale.ROOT))) {
                    throw usage(verb, "--" + name + " " + line.text(name) + ": there are " + String.join(", ", known));
                }
            });
            return line;
        } catch (UnrecognizedOptionException e) {
            String near = Nearest.to(String.valueOf(e.getOption()), typed())
                    .map(nearest -> "; did you mean " + nearest + "?")
                    .orElse("");
            throw usage(verb, "there is no option " + e.getOption() + near);
        } catch (MissingArgumentException e) {
            throw usage(
                    verb,
                    "--" + e.getOption().getLongOpt() + " needs a value: "
                            + e.getOption().getArgName());
        } catch (MissingOptionException e) {
            throw usage(verb, "missing --" + e.getMissingOptions().getFirst());
        } catch (ParseException e) {
            throw usage(verb, String.valueOf(e.getMessage()));
        }
    }

    private static CliException usage(String verb, String words) {
        return new CliException(Exit.USAGE, words + "\n'rollout " + verb + " --help' shows what there is");
    }

    void help(String verb, PrintStream out) {
        PrintWriter writer = new PrintWriter(out, false, StandardCharsets.UTF_8);
        HelpFormatter formatter = HelpFormatter.builder().get();
        formatter.setSyntaxPrefix("usage: ");
        formatter.setOptionComparator(null); // in the order in which they were made
        formatter.printHelp(
                writer, WIDTH, "rollout " + verb + " [OPTIONS] " + shown, description + "\n\n", options, 2, 3, "");
        writer.flush();
    }
}
