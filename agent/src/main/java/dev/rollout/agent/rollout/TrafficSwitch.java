package dev.rollout.agent.rollout;

import dev.rollout.agent.model.ServiceSpec;
import java.util.Optional;

/** Routes the published ports of a service. */
public interface TrafficSwitch {
    /** Why this service cannot be rolled start-first here; empty where it can. */
    Optional<String> refusal(ServiceSpec spec);

    /** Where no gateway runs: a published port belongs to one container at a time. */
    TrafficSwitch NONE = spec -> spec.publishesPorts()
            ? Optional.of("publishes ports, and two containers cannot hold one port: set deploy.update_config.order to"
                    + " stop-first (or give --order stop-first) until the gateway is there; the instance will be away"
                    + " for the time of one restart")
            : Optional.empty();
}
