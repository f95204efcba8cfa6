package dev.rollout.agent.cli;

import dev.rollout.agent.model.Version;

final class VersionVerb extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("the version of this program");
    }

    @Override
    int run(Line line) {
        System.out.println("rollout " + Version.TEXT);
        return Exit.DONE;
    }
}
