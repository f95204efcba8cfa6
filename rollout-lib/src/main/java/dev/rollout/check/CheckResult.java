package dev.rollout.check;

import java.time.Duration;

/**
 * One answer to one check.
 *
 * @param detail what happened, in a line: {@code 200}, {@code 302 to https://…}, {@code connection refused}
 * @param took how long the answer took
 */
public record CheckResult(Verdict verdict, String detail, Duration took) {
    /** Whether the endpoint passed, said no, or could not be asked. */
    public enum Verdict {
        PASSED,
        FAILED,
        UNREACHABLE
    }

    public boolean passed() {
        return verdict == Verdict.PASSED;
    }
}
