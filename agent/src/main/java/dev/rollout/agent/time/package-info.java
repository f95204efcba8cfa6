/** Waiting, so that tests can move it. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.time;
