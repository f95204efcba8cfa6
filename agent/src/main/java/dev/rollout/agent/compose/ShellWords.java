package dev.rollout.agent.compose;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A command as a list, or as one string that is split into words as a shell would, without running one. */
final class ShellWords {
    private ShellWords() {}

    static @Nullable Object read(Node node, String path) {
        if (node.isNull()) {
            return null;
        }
        if (node instanceof Node.Scalar scalar && scalar.value() instanceof String text) {
            return split(text, scalar.mark(), path);
        }
        return Shape.listOf(Shape.TEXT).read(node, path);
    }

    static List<String> split(String text, Mark mark, String path) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && quote != '\'' && i + 1 < text.length()) {
                word.append(text.charAt(++i));
                inWord = true;
            } else if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                inWord = true;
            } else if (Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    inWord = false;
                }
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (quote != 0) {
            throw new ComposeException(mark, path + ": the quote " + quote + " is never closed in: " + text);
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }
}
