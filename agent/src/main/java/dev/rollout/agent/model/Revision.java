package dev.rollout.agent.model;

/**
 * What an instance is made from.
 *
 * @param configHash Compose's, in the variant that this host's containers use
 * @param imageId the image's content address: a tag may move during a rollout
 */
public record Revision(String configHash, String imageId) {}
