/** Terminal verbs and their output. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.cli;
