package dev.rollout.agent.model;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a container was made from that no rollout of ours made, as its Engine tells: so that undo can make it again.
 *
 * @param revision of which it was
 * @param definition what is otherwise read from the service's part of the file; null: the service had no such key
 * @param container the rest, in the Engine's words
 */
public record Template(
        Revision revision, Map<String, @Nullable Object> definition, Map<String, @Nullable Object> container) {}
