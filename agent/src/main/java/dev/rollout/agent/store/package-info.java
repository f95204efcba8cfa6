/** SQLite schema, journal, history, locks. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.store;
