/** Builds the object graph, starts and stops it in order; nobody imports it. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent;
