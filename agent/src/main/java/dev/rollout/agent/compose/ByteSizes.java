package dev.rollout.agent.compose;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as Docker reads them: {@code 64m}, {@code 1.5gb}, {@code 512KiB}, all of them powers of 1024. */
final class ByteSizes {
    private static final Pattern SIZE = Pattern.compile("(-?\\d+(?:\\.\\d+)?) ?([kmgtp]?)i?b?");

    private ByteSizes() {}

    static long parse(String text, Mark mark, String path) {
        Matcher size = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!size.matches()) {
            throw new ComposeException(mark, path + ": '" + text + "' is no size; write 512k, 64m or 1g");
        }
        int power = size.group(2).isEmpty() ? 0 : "kmgtp".indexOf(size.group(2)) + 1;
        return (long) (Double.parseDouble(size.group(1)) * Math.pow(1024, power));
    }
}
