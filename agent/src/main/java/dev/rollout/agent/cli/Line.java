package dev.rollout.agent.cli;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.cli.CommandLine;
import org.jspecify.annotations.Nullable;

/** What was typed after a verb. */
record Line(CommandLine typed) {
    /** Somebody asks what the verb takes. */
    static final Line HELP = new Line(new CommandLine.Builder().get());

    /** The words that are no options. */
    List<String> words() {
        return typed.getArgList();
    }

    /** The first word; null where there is none. */
    @Nullable
    String word() {
        return words().isEmpty() ? null : words().getFirst();
    }

    /** The word of a verb that takes exactly one. */
    String theWord() {
        return words().getFirst();
    }

    boolean has(String option) {
        return typed.hasOption(option);
    }

    /** An option's value, the last one where it was given more than once. */
    @Nullable
    String text(String option) {
        List<String> all = all(option);
        return all.isEmpty() ? null : all.getLast();
    }

    String text(String option, String fallback) {
        String text = text(option);
        return text == null ? fallback : text;
    }

    List<String> all(String option) {
        String[] values = typed.getOptionValues(option);
        return values == null ? List.of() : List.of(values);
    }

    /** One of a few words, which the syntax has checked. */
    <E extends Enum<E>> E choice(String option, E fallback) {
        return choice(option, fallback.getDeclaringClass()).orElse(fallback);
    }

    <E extends Enum<E>> Optional<E> choice(String option, Class<E> type) {
        return Optional.ofNullable(text(option))
                .map(text -> Enum.valueOf(type, text.toUpperCase(Locale.ROOT).replace('-', '_')));
    }
}
