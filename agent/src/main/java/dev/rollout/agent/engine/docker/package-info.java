/** Speaks to a Docker Engine. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.engine.docker;
