/** Runs plans durably: journal the intent, act, journal the outcome. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.rollout;
