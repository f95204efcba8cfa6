package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Handover;
import dev.rollout.agent.model.ServiceKey;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Writes roles where instances read them. Instances are named as {@link #name} says, for their whole life. */
public interface RoleKeeper {
    /** Where an instance finds its role and the claims, in its container. */
    String INSIDE = "/run/rollout";

    /** The same folder on the host. */
    String folder(ServiceKey key);

    /** Why claims would be lost there, as a sentence; empty where they stay while the host runs. */
    Optional<String> refusal();

    /** Makes the folder and the database of a service, and says what its instances need to reach them. */
    ContainerEngine.Injection prepare(
            ServiceKey key, Handover handover, String instance, long generation, boolean standby);

    /** Whether the instance has said that it could take over. */
    boolean ready(ServiceKey key, String instance);

    /** The highest generation that was ever decided on; 0 where none was. */
    long generation(ServiceKey key);

    /** Who is active; null while nobody is. */
    @Nullable
    String active(ServiceKey key);

    /** Makes an instance the active one, or nobody (null): the others see a higher generation and drain. */
    void activate(ServiceKey key, Handover handover, @Nullable String instance, long generation);

    /** Tells one instance of a competing service to take nothing new. */
    void tellToDrain(ServiceKey key, String instance);

    /** Takes {@link #tellToDrain} back: the instance serves on. */
    void tellToGoOn(ServiceKey key, String instance);

    /** Whether the instance has let go: it drains, and nothing is in flight. Unknown instances have. */
    boolean drained(ServiceKey key, String instance);

    /** Raises the fence: instances below the generation never act again. */
    void fence(ServiceKey key, long minGeneration);

    /** What the instance has noticed and a person should know; empty where nothing. */
    Optional<String> alarm(ServiceKey key, String instance);

    /** Removes the traces of an instance whose container is gone. */
    void forget(ServiceKey key, String instance);

    /** The name of an instance, the same through all restarts of its container. */
    static String name(ServiceKey key, long generation, int slot) {
        return key.service() + "-g" + generation + "-" + slot;
    }
}
