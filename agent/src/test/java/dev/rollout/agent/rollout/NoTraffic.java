package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import java.util.List;
import java.util.Optional;

/** No gateway: for services without published ports. */
final class NoTraffic implements TrafficSwitch {
    @Override
    public Optional<String> refusal(ServiceSpec spec, List<Instance> observed) {
        return Optional.empty();
    }

    @Override
    public boolean routes(ServiceSpec spec) {
        return false;
    }

    @Override
    public boolean leads(ServiceKey key) {
        return false;
    }

    @Override
    public void prepare() {}

    @Override
    public void point(ServiceSpec spec, List<Instance> observed, List<Served> targets) {
        throw new AssertionError("nothing leads anywhere");
    }

    @Override
    public Optional<String> refusalToRelease(ServiceSpec spec) {
        return Optional.of("has no gateway");
    }

    @Override
    public void park(ServiceSpec spec, List<Served> targets) {
        throw new AssertionError("nothing leads anywhere");
    }

    @Override
    public void release(ServiceKey key) {
        throw new AssertionError("nothing leads anywhere");
    }

    @Override
    public int inFlight(ServiceKey key, String instance) {
        return 0;
    }

    @Override
    public int cut(ServiceKey key, String instance) {
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
    public ClientCounts counts(ServiceKey key) {
        return ClientCounts.NONE;
    }
}
