/** How the parts of the program find, start and speak to each other on one host, and what else they see of it. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.wire;
