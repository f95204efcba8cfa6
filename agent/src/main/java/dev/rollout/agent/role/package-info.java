/** Writes roles and generations where instances read them. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.role;
