package dev.rollout.lib;

/** Handles one event that was claimed. */
@FunctionalInterface
public interface Handler<E> {
    /** @throws Exception counted by the inbox, never retried: the claim is at most once */
    void handle(E event) throws Exception;
}
