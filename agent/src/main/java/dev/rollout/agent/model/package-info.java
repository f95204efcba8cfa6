/** Value types everybody shares. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.model;
