/** One-shot checks of an endpoint: HTTP over TCP or a unix socket, and plain TCP. */
@org.jspecify.annotations.NullMarked
package dev.rollout.check;
