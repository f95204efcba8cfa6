package dev.rollout.agent.compose;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code .env} and {@code env_file} files, as Compose reads them: {@code KEY=VALUE}, {@code KEY: VALUE},
 * {@code export}, comments, single quotes (literal), double quotes (escapes and variables), values over several lines.
 */
final class DotEnv {
    private static final Pattern KEY = Pattern.compile("(?:export[ \\t]+)?([A-Za-z_][A-Za-z0-9_.\\-\\[\\]]*)[ \\t]*");

    private final String file;
    private final String text;
    private final Map<String, String> outside;
    private final Map<String, String> values = new LinkedHashMap<>();
    private int at;
    private int line = 1;

    private DotEnv(String file, String text, Map<String, String> outside) {
        this.file = file;
        this.text = text;
        this.outside = outside;
    }

    /**
     * @param outside what {@code ${NAME}} in the file may refer to, and where a bare {@code NAME} line takes its value
     */
    static Map<String, String> read(Path path, String shownAs, Map<String, String> outside) {
        try {
            return parse(Files.readString(path), shownAs, outside);
        } catch (IOException e) {
            throw new ComposeException(null, "env file " + shownAs + " cannot be read: " + e);
        }
    }

    static Map<String, String> parse(String text, String shownAs, Map<String, String> outside) {
        DotEnv parser = new DotEnv(
                shownAs, text.startsWith("\uFEFF") ? text.substring(1) : text.replace("\r\n", "\n"), outside);
        parser.run();
        return parser.values;
    }

    private void run() {
        while (skipBlank()) {
            Matcher key = KEY.matcher(text).region(at, text.length());
            if (!key.lookingAt()) {
                throw error("expected NAME=VALUE");
            }
            String name = key.group(1);
            at = key.end();
            if (at >= text.length() || text.charAt(at) == '\n') {
                String inherited = outside.get(name);
                if (inherited != null) {
                    values.put(name, inherited);
                }
                continue;
            }
            char separator = text.charAt(at);
            if (separator != '=' && separator != ':') {
                throw error("expected '=' after " + name);
            }
            at++;
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
                at++;
            }
            values.put(name, value());
        }
    }

    private boolean skipBlank() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                at = endOfLine();
            } else if (c == '\n') {
                line++;
                at++;
            } else if (Character.isWhitespace(c)) {
                at++;
            } else {
                return true;
            }
        }
        return false;
    }

    private int endOfLine() {
        int end = text.indexOf('\n', at);
        return end < 0 ? text.length() : end;
    }

    private String value() {
        char quote = at < text.length() ? text.charAt(at) : '\n';
        if (quote != '\'' && quote != '"') {
            int end = endOfLine();
            String raw = text.substring(at, end);
            at = end;
            for (int i = 0; i < raw.length(); i++) {
                if (raw.charAt(i) == '#' && (i == 0 || Character.isWhitespace(raw.charAt(i - 1)))) {
                    raw = raw.substring(0, i);
                    break;
                }
            }
            return expand(raw.strip());
        }
        int start = at + 1;
        int end = start;
        while (end < text.length() && text.charAt(end) != quote) {
            end += text.charAt(end) == '\\' && end + 1 < text.length() ? 2 : 1;
        }
        if (end >= text.length()) {
            throw error("the quote is never closed");
        }
        String raw = text.substring(start, end);
        line += (int) raw.chars().filter(c -> c == '\n').count();
        at = end + 1;
        int rest = endOfLine();
        String behind = text.substring(at, rest).strip();
        if (!behind.isEmpty() && !behind.startsWith("#")) {
            throw error("unexpected text after the closing quote: " + behind);
        }
        at = rest;
        return quote == '\'' ? raw.replace("\\'", "'") : expand(unescape(raw));
    }

    private static String unescape(String raw) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c != '\\' || i + 1 == raw.length()) {
                out.append(c);
                continue;
            }
            char next = raw.charAt(++i);
            switch (next) {
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case '"', '\\' -> out.append(next);
                case '$' -> out.append("$$"); // stays a dollar sign through the expansion
                default -> out.append(c).append(next);
            }
        }
        return out.toString();
    }

    private String expand(String raw) {
        if (!raw.contains("$")) {
            return raw;
        }
        Map<String, String> known = new LinkedHashMap<>(values);
        known.putAll(outside);
        return new Interpolation(known).substitute(raw, new Mark(file, line), "the value");
    }

    private ComposeException error(String message) {
        return new ComposeException(new Mark(file, line), message);
    }
}
