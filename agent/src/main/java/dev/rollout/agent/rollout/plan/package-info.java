/** Desired and observed to an ordered, printable plan. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.rollout.plan;
