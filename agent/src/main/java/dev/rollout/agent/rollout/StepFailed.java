package dev.rollout.agent.rollout;

import java.util.LinkedHashMap;
import java.util.Map;

/** A step did not succeed, through the candidate's fault: the cause in a line, and what there is to show. */
final class StepFailed extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient Map<String, String> details;

    StepFailed(String message, Map<String, String> details) {
        super(message);
        this.details = new LinkedHashMap<>(details);
    }

    Map<String, String> details() {
        return details;
    }
}
