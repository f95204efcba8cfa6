package dev.rollout.agent.compose;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Variable substitution in every form that Compose knows: {@code $A}, {@code ${A}}, {@code :-}, {@code -}, {@code :?},
 * {@code ?}, {@code :+}, {@code +}, nested, and {@code $$} for a dollar sign.
 */
final class Interpolation {
    private static final Pattern NAME = Pattern.compile("[_a-zA-Z][_a-zA-Z0-9]*");

    private final Map<String, String> variables;
    private final Set<String> unset = new LinkedHashSet<>();

    Interpolation(Map<String, String> variables) {
        this.variables = variables;
    }

    /** The variables that were asked for, had no value and no default: blank, and worth a warning. */
    Set<String> unset() {
        return unset;
    }

    /** Substitutes in every scalar below a node. Keys are left as they are, as Compose does. */
    Node in(Node node, String path) {
        return switch (node) {
            case Node.Scalar scalar ->
                scalar.value() instanceof String text && text.contains("$")
                        ? new Node.Scalar(substitute(text, scalar.mark(), path), scalar.mark(), scalar.directive())
                        : scalar;
            case Node.Sequence sequence -> {
                sequence.items().replaceAll(item -> in(item, path + "[]"));
                yield sequence;
            }
            case Node.Mapping mapping -> {
                mapping.entries().replaceAll((key, value) -> in(value, path.isEmpty() ? key : path + "." + key));
                yield mapping;
            }
        };
    }

    String substitute(String text, Mark mark, String path) {
        StringBuilder out = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c != '$') {
                out.append(c);
                at++;
                continue;
            }
            char next = at + 1 < text.length() ? text.charAt(at + 1) : ' ';
            if (next == '$') {
                out.append('$');
                at += 2;
            } else if (next == '{') {
                int end = closing(text, at + 2);
                if (end < 0) {
                    throw invalid(text, mark, path);
                }
                out.append(braced(text.substring(at + 2, end), text, mark, path));
                at = end + 1;
            } else {
                var name = NAME.matcher(text).region(at + 1, text.length());
                if (!name.lookingAt()) {
                    throw invalid(text, mark, path);
                }
                out.append(value(name.group()));
                at = name.end();
            }
        }
        return out.toString();
    }

    private static int closing(String text, int from) {
        int depth = 1;
        for (int i = from; i < text.length(); i++) {
            if (text.startsWith("${", i)) {
                depth++;
            } else if (text.charAt(i) == '}' && --depth == 0) {
                return i;
            }
        }
        return -1;
    }

    private String braced(String inner, String text, Mark mark, String path) {
        var matched = NAME.matcher(inner);
        if (!matched.lookingAt()) {
            throw invalid(text, mark, path);
        }
        String name = matched.group();
        String rest = inner.substring(matched.end());
        if (rest.isEmpty()) {
            return value(name);
        }
        boolean colon = rest.startsWith(":");
        String operator = rest.substring(0, Math.min(rest.length(), colon ? 2 : 1));
        String word = rest.substring(operator.length());
        String value = variables.get(name);
        boolean there = value != null && !(colon && value.isEmpty());
        return switch (operator.charAt(operator.length() - 1)) {
            case '-' -> there && value != null ? value : substitute(word, mark, path);
            case '+' -> there ? substitute(word, mark, path) : "";
            case '?' -> {
                if (there && value != null) {
                    yield value;
                }
                throw new ComposeException(
                        mark,
                        path + " needs the variable " + name
                                + (value == null ? ", which is not set" : ", which is empty")
                                + (word.isEmpty() ? "" : ": " + substitute(word, mark, path)));
            }
            default -> throw invalid(text, mark, path);
        };
    }

    private String value(String name) {
        String value = variables.get(name);
        if (value == null) {
            unset.add(name);
            return "";
        }
        return value;
    }

    private static ComposeException invalid(String text, Mark mark, String path) {
        return new ComposeException(
                mark, "invalid interpolation in " + path + ": \"" + text + "\" (write $$ for a dollar sign)");
    }
}
