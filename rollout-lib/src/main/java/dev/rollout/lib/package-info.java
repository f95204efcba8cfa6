/** Hand-over roles and event claims for an application that is rolled. */
@org.jspecify.annotations.NullMarked
package dev.rollout.lib;
