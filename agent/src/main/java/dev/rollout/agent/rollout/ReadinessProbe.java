package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.ServiceSpec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Repeats a check until a verdict. */
public interface ReadinessProbe {
    /**
     * Asks until the instance is ready, fails, or the deadline is over.
     *
     * @param interrupted ends the asking at once, with {@link Verdict.Interrupted}
     */
    Verdict until(Instance instance, ServiceSpec spec, CompletableFuture<?> interrupted) throws InterruptedException;

    /** Asks once more, of an instance that was ready. */
    boolean again(Instance instance, ServiceSpec spec);

    /** Tells a container something by one POST. @return what went wrong; empty where nothing did */
    String post(String container, Readiness.Check.Http to, Duration timeout);

    /** What came out. */
    sealed interface Verdict {
        /** @param words which check, and how it was decided */
        record Ready(String words) implements Verdict {}

        /**
         * @param words which check, how often, why it was given up
         * @param answers the last answers, the newest last
         * @param cause a likely cause and what to do, where it can be told; else empty
         */
        record NotReady(String words, List<String> answers, String cause) implements Verdict {}

        /** The container ended, or somebody else ended the asking. */
        record Interrupted(int asked, List<String> answers) implements Verdict {}
    }
}
