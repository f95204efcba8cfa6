/** The apps of the example stacks. */
@org.jspecify.annotations.NullMarked
package dev.rollout.examples;
