package dev.rollout.agent.cli;

import java.util.HashMap;
import java.util.Map;

/** Who typed the command. */
final class Caller {
    /** What LC_ALL was where the launcher has set it, so that Java finds files of any name. */
    private static final String LOCALE = "ROLLOUT_LC_ALL";

    private Caller() {}

    /** The environment as it was before the launcher. */
    static Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>(System.getenv());
        String locale = environment.remove(LOCALE);
        if (locale != null && locale.isEmpty()) {
            environment.remove("LC_ALL");
        } else if (locale != null) {
            environment.put("LC_ALL", locale);
        }
        return environment;
    }
}
