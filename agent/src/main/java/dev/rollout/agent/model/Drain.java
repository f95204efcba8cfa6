package dev.rollout.agent.model;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the previous finishes what it has begun.
 *
 * @param timeout the most that is waited
 * @param start how it is told to begin; null: it is not told
 * @param pause how long to wait after that
 */
public record Drain(Duration timeout, @Nullable Start start, Duration pause) {
    /** What makes an instance drain, or makes another proxy take it out. */
    public sealed interface Start {
        /** A command in the container. */
        record Exec(List<String> command) implements Start {}

        /** A signal to its first process. */
        record Signal(String name) implements Start {}

        /** An empty file that appears in the container: its health endpoint looks for it. */
        record AFile(String path) implements Start {}

        /** A POST to it. */
        record Post(Readiness.Check.Http to) implements Start {}

        /** In a few words, for notes. */
        default String words() {
            return switch (this) {
                case Exec exec -> "exec " + String.join(" ", exec.command());
                case Signal signal -> "signal " + signal.name();
                case AFile file -> "file " + file.path();
                case Post post -> "http POST " + post.to().path();
            };
        }
    }

    static Drain of(Tree drain) {
        return new Drain(
                drain.duration("timeout", Duration.ofSeconds(30)), start(drain), drain.duration("wait", Duration.ZERO));
    }

    private static @Nullable Start start(Tree drain) {
        String signal = drain.text("signal");
        String file = drain.text("file");
        if (drain.at("http").isPresent()) {
            return new Start.Post(Readiness.http(drain.at("http")));
        } else if (signal != null) {
            return new Start.Signal(signal);
        } else if (file != null) {
            return new Start.AFile(file);
        }
        List<String> exec = drain.texts("exec");
        return exec.isEmpty() ? null : new Start.Exec(exec);
    }
}
