/**
 * What applications embed: hand-over roles, event claims, one-shot checks.
 *
 * <p>{@code dev.rollout.lib} is for bots and workers; {@code dev.rollout.contract} is the agent's side of the same
 * files; {@code dev.rollout.store} has claims that several hosts share; {@code dev.rollout.check} asks an endpoint once.
 */
module dev.rollout.lib {
    requires transitive org.jspecify;
    requires transitive java.sql;
    requires org.xerial.sqlitejdbc;
    requires static org.postgresql.jdbc;
    requires static redis.clients.jedis;

    exports dev.rollout.lib;
    exports dev.rollout.contract;
    exports dev.rollout.check;
    exports dev.rollout.store;
}
