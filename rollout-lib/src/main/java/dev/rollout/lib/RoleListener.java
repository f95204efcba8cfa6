package dev.rollout.lib;

import dev.rollout.contract.Role;

/**
 * Hears of a new role. Runs on the watcher's thread; the instance reports the role to the agent only after every
 * listener has returned, so a listener that disconnects an exclusive consumer has let go before another is activated.
 */
@FunctionalInterface
public interface RoleListener {
    void changed(Role from, Role to);
}
