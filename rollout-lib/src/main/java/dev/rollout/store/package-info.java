/** Claims that instances on several hosts share: PostgreSQL, Redis. Their drivers are optional dependencies. */
@org.jspecify.annotations.NullMarked
package dev.rollout.store;
