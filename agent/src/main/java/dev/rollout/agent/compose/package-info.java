/** Compose files to the canonical model; says with file:line what it does not support. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.compose;
