package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.ServiceSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Why a candidate failed, as a person needs it: in a sentence, with its last answers and its last log lines. */
final class Postmortem {
    private final ServiceSpec spec;
    private final ContainerEngine engine;

    Postmortem(ServiceSpec spec, ContainerEngine engine) {
        this.spec = spec;
        this.engine = engine;
    }

    StepFailed dead(Instance candidate, int asked, List<String> answers) {
        ContainerEngine.Autopsy autopsy = engine.autopsy(candidate.id());
        return new StepFailed(
                "the candidate " + candidate.shortId() + " is not up: " + autopsy.words()
                        + (asked > 0
                                ? ", after " + asked + " checks ("
                                        + spec.readiness().words() + ")"
                                : ""),
                shown(autopsy, answers, ""));
    }

    /** It went down, and by now its restart policy may have started it again. */
    StepFailed dead(Instance candidate, ContainerEngine.Exit exit) {
        ContainerEngine.Autopsy autopsy = engine.autopsy(candidate.id());
        String words = autopsy.state().equals("running")
                ? "it exited with code " + exit.code() + ", and its restart policy started it again"
                : autopsy.words();
        return new StepFailed(
                "the candidate " + candidate.shortId() + " is not up: " + words, shown(autopsy, List.of(), ""));
    }

    /** A job that has ended, and not well. */
    StepFailed failed(String job) {
        ContainerEngine.Autopsy autopsy = engine.autopsy(job);
        return new StepFailed(autopsy.words(), shown(autopsy, List.of(), ""));
    }

    StepFailed notReady(Instance candidate, ReadinessProbe.Verdict.NotReady not) {
        ContainerEngine.Autopsy autopsy = engine.autopsy(candidate.id());
        return new StepFailed(
                "the candidate " + candidate.shortId() + " did not become ready: " + not.words()
                        + (not.cause().isEmpty() ? "" : "; " + not.cause()),
                shown(autopsy, not.answers(), not.cause()));
    }

    /** What can be told of a candidate that runs and does not do. */
    Map<String, String> shown(Instance candidate) {
        return shown(engine.autopsy(candidate.id()), List.of(), "");
    }

    private static Map<String, String> shown(ContainerEngine.Autopsy autopsy, List<String> answers, String cause) {
        Map<String, String> details = new LinkedHashMap<>();
        if (!answers.isEmpty()) {
            details.put("answers", String.join("\n", answers));
        }
        details.put("state", autopsy.words());
        if (!autopsy.lastLines().isEmpty()) {
            details.put("logs", String.join("\n", autopsy.lastLines()));
        }
        if (!cause.isEmpty()) {
            details.put("likely cause", cause);
        }
        return details;
    }
}
