/** A small process beside an app that cannot tell its own health. */
@org.jspecify.annotations.NullMarked
package dev.rollout.sidecar;
