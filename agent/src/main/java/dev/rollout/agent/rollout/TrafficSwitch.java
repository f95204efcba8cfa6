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

    /** From the return on, new requests reach these instances and no others. None: they wait, for a while. */
    void point(ServiceSpec spec, List<Instance> targets);

    /** Requests and connections that an instance is still working on. */
    int inFlight(ServiceKey key, String instance);

    /** Requests wait at the gateway from the return on. False where the service's ports are not the gateway's. */
    boolean pause(ServiceKey key);

    /** Requests go on. False where the service's ports are not the gateway's. */
    boolean resume(ServiceKey key);

    /** What the clients of a service have seen since the gateway began. */
    Counts counts(ServiceKey key);

    /** @param failed requests that got no answer of the service's own */
    record Counts(long requests, long failed, long retried, long held) {
        static final Counts NONE = new Counts(0, 0, 0, 0);

        Counts since(Counts before) {
            return new Counts(
                    requests - before.requests, failed - before.failed, retried - before.retried, held - before.held);
        }

        /** In a few words; empty where nobody asked for anything. */
        String words() {
            return requests <= 0
                    ? ""
                    : "; clients sent " + requests + " requests meanwhile: " + failed + " failed, " + retried
                            + " retried, " + held + " held";
        }
    }

    /** Where no gateway can be: a published port belongs to one container at a time. */
    TrafficSwitch NONE = new TrafficSwitch() {
        @Override
        public Optional<String> refusal(ServiceSpec spec, List<Instance> observed) {
            return spec.publishesPorts()
                    ? Optional.of("publishes ports, and two containers cannot hold one port: set"
                            + " deploy.update_config.order to stop-first")
                    : Optional.empty();
        }

        @Override
        public boolean routes(ServiceSpec spec) {
            return false;
        }

        @Override
        public void point(ServiceSpec spec, List<Instance> targets) {
            // nothing leads anywhere
        }

        @Override
        public int inFlight(ServiceKey key, String instance) {
            return 0;
        }

        @Override
        public boolean pause(ServiceKey key) {
            return false;
        }

        @Override
        public boolean resume(ServiceKey key) {
            return false;
        }

        @Override
        public Counts counts(ServiceKey key) {
            return Counts.NONE;
        }
    };
}
