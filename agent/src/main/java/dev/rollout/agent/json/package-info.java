/** The one JSON mapping, for the journal and for the wire. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.json;
