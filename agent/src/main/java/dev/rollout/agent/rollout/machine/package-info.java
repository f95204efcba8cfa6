/** The rollout as a pure function, from one transition table. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.rollout.machine;
