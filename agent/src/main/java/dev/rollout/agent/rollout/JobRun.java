package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Revision;
import dev.rollout.agent.model.ServiceSpec;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A dependency with {@code service_completed_successfully}, a database's migration say: runs to its end, once for each
 * configuration. One that runs already, since an agent was killed meanwhile, is waited for and not begun again.
 */
final class JobRun {
    private final String id;
    private final ServiceSpec spec;
    private final Revision revision;
    private final ContainerEngine engine;

    /** @param id of the rollout that it is run for */
    JobRun(String id, ServiceSpec spec, Revision revision, ContainerEngine engine) {
        this.id = id;
        this.spec = spec;
        this.revision = revision;
        this.engine = engine;
    }

    /**
     * Runs it, unless it has been.
     *
     * @param agent this agent's id
     * @return how it came to be completed
     * @throws StepFailed where it fails
     * @throws Aborted where that is asked for; it is stopped then
     */
    String run(String agent, CompletableFuture<Void> abort) throws Aborted {
        List<Instance> there = engine.instances(spec.key());
        Optional<Instance> same = there.stream()
                .filter(instance -> spec.sameConfig(instance.configHash(), revision.configHash())
                        && instance.imageId().equals(revision.imageId()))
                .filter(instance -> instance.running()
                        || instance.state() == Instance.State.EXITED
                                && engine.autopsy(instance.id()).exitCode() == 0)
                .findFirst();
        if (same.isPresent() && !same.get().running()) {
            return "completed before";
        }
        String container = same.map(Instance::id).orElseGet(() -> start(there, agent));
        CompletableFuture<ContainerEngine.Exit> exit = engine.exit(container);
        CompletableFuture.anyOf(exit, abort).join();
        if (!exit.isDone()) {
            engine.stop(container, spec.stopGracePeriod());
            throw new Aborted();
        }
        if (exit.join().code() != 0) {
            throw new Postmortem(spec, engine).failed(container);
        }
        return "completed successfully";
    }

    private String start(List<Instance> old, String agent) {
        old.forEach(instance -> engine.remove(instance.id()));
        Instance made = engine.create(
                spec,
                revision,
                new ContainerEngine.Birth(
                        spec.containerName(1), 1, id, 0, agent, ContainerEngine.Injection.NONE, true));
        engine.start(made.id());
        return made.id();
    }
}
