/** Checks repeated until a verdict. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.probe;
