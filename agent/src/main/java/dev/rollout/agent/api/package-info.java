/** HTTP/JSON and SSE over the agent's socket. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.api;
