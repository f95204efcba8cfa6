package dev.rollout.agent.cli;

import dev.rollout.agent.model.Folders;
import java.util.function.ToIntFunction;

/** A process of ours in the foreground, as a service manager wants it. */
final class Run extends Verb {
    private final String what;
    private final ToIntFunction<Folders> process;

    Run(String what, ToIntFunction<Folders> process) {
        this.what = what;
        this.process = process;
    }

    @Override
    Syntax syntax() {
        return Syntax.of("run " + what + " in the foreground");
    }

    @Override
    int run(Line line) {
        return process.applyAsInt(Folders.of(System.getenv()));
    }
}
