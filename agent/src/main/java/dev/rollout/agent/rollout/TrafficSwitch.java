package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import java.util.List;
import java.util.Optional;

/** Routes the published ports of services. What it cannot do throws {@link EngineRefused}. */
public interface TrafficSwitch {
    /** Why this service's ports cannot be had; empty where they can. Asked before anything is started. */
    Optional<String> refusal(ServiceSpec spec, List<Instance> observed);

    /** Whether the service's ports are the gateway's: its containers are made without them then. */
    boolean routes(ServiceSpec spec);

    /** Something will have to be led soon: whoever does it begins to get ready for that, beside what else is done. */
    void prepare();

    /** Whether ports of the service are led now. */
    boolean leads(ServiceKey key);

    /**
     * From the return on, new requests reach these instances and no others, each by the ports that it was made with. None:
     * they wait at those of the service, for a while.
     *
     * @param observed all instances of the service: where the file leaves the host port open, those that have one keep it
     */
    void point(ServiceSpec spec, List<Instance> observed, List<Served> targets);

    /** Why this service's ports cannot be handed back to Docker; empty where they can. */
    Optional<String> refusalToRelease(ServiceSpec spec);

    /**
     * As {@link #point}, and on the return the host's ports are free for Docker to publish: new connections go past them
     * to these instances, whoever holds the ports, until {@link #release} or {@link #point}.
     */
    void park(ServiceSpec spec, List<Served> targets);

    /** New connections go where Docker leads them from the return on; those that exist end in good order. */
    void release(ServiceKey key);

    /** Requests and connections that an instance is still working on. */
    int inFlight(ServiceKey key, String instance);

    /** Ends what an instance is still working on, so that clients hear of it in good order. How much it was. */
    int cut(ServiceKey key, String instance);

    /** Requests wait at the gateway from the return on. False where the service's ports are not the gateway's. */
    boolean pause(ServiceKey key);

    /** Requests go on. False where the service's ports are not the gateway's. */
    boolean resume(ServiceKey key);

    /** What the clients of a service have seen since the gateway began. */
    ClientCounts counts(ServiceKey key);
}
