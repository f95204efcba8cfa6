/** The files and SQL that agent and instances share; the agent's side of them. */
@org.jspecify.annotations.NullMarked
package dev.rollout.contract;
