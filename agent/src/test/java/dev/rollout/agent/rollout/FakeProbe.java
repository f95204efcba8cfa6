package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.ServiceSpec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A probe with a fixed opinion about candidates; what ran before is always ready. */
final class FakeProbe implements ReadinessProbe {
    boolean candidatesReady = true;
    boolean stayReady = true;
    /** From this batch's slot on, candidates are not ready. */
    int badFromSlot = Integer.MAX_VALUE;

    @Override
    public Verdict until(Instance instance, ServiceSpec spec, CompletableFuture<?> interrupted) {
        if (interrupted.isDone()) {
            return new Verdict.Interrupted(1, List.of("connection refused"));
        }
        boolean candidate = !instance.rollout().isEmpty();
        return !candidate || candidatesReady && instance.slot() < badFromSlot
                ? new Verdict.Ready("said so")
                : new Verdict.NotReady("said no", List.of("500"), "");
    }

    @Override
    public String post(String container, Readiness.Check.Http to, Duration timeout) {
        return "";
    }

    @Override
    public boolean again(Instance instance, ServiceSpec spec) {
        return stayReady;
    }
}
