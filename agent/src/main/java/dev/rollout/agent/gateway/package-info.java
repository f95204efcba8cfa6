/** The data plane: owns the published ports, routes requests to ready instances, drains, holds. */
@org.jspecify.annotations.NullMarked
package dev.rollout.agent.gateway;
