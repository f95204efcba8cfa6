package dev.rollout.store;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.Token;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Claims in Redis or Valkey: a hash per event, one script per question so that each is atomic, the server's clock, and
 * publish/subscribe as the doorbell. The server needs {@code maxmemory-policy noeviction}: a claim that was evicted
 * would be won twice, so that any other policy is refused. Thread safe.
 */
public final class RedisStore implements ClaimStore {
    /** A claim's key lives as long as the dedupe window where nothing else is said: no pruning from outside. */
    private static final long WINDOW_MILLIS = 15 * 60_000;

    private static final String NOW = """
            local t = redis.call('TIME')
            local now = t[1] * 1000 + math.floor(t[2] / 1000)
            """;

    /** KEYS: claim, fence. ARGV: generation, lease in milliseconds or -1 for ever, window, host. */
    private static final String CLAIM = NOW + """
            if tonumber(redis.call('HGET', KEYS[2], ARGV[4]) or '0') > tonumber(ARGV[1]) then return {0, -2} end
            local row = redis.call('HMGET', KEYS[1], 'attempt', 'until')
            if row[1] then
              local till = tonumber(row[2])
              if till < 0 then return {0, -1} end
              if till >= now then return {0, till - now} end
            end
            local attempt = tonumber(row[1] or '0') + 1
            local lease = tonumber(ARGV[2])
            local till = -1
            if lease >= 0 then till = now + lease end
            redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'attempt', attempt, 'until', string.format('%d', till),
              'host', ARGV[4])
            redis.call('PEXPIRE', KEYS[1], math.max(lease, 0) + tonumber(ARGV[3]))
            return {attempt, 0}""";

    /** KEYS: claim. ARGV: generation, attempt, host, lease in milliseconds, -1 for ever or 0 to give it back, window. */
    private static final String LEASE = NOW + """
            local row = redis.call('HMGET', KEYS[1], 'generation', 'attempt', 'host')
            if row[1] ~= ARGV[1] or row[2] ~= ARGV[2] or row[3] ~= ARGV[3] then return 0 end
            local lease = tonumber(ARGV[4])
            local till = lease
            if lease > 0 then till = now + lease end
            redis.call('HSET', KEYS[1], 'until', string.format('%d', till))
            redis.call('PEXPIRE', KEYS[1], math.max(lease, 0) + tonumber(ARGV[5]))
            return 1""";

    /** KEYS: claim, fence. */
    private static final String HOLDER = """
            local row = redis.call('HMGET', KEYS[1], 'generation', 'host')
            if not row[1] then return -1 end
            if tonumber(redis.call('HGET', KEYS[2], row[2]) or '0') > tonumber(row[1]) then return -1 end
            return tonumber(row[1])""";

    /** KEYS: fence. ARGV: host, generation. */
    private static final String FENCE = """
            if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') < tonumber(ARGV[2]) then
              redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
            end
            return 1""";

    private final JedisPooled redis;
    private final String prefix;
    private final String host;
    private @Nullable JedisPubSub ears;

    RedisStore(URI uri, String scope, String host) throws SQLException {
        this.prefix = "rollout:{" + scope + "}:"; // one slot of a cluster, since the scripts name two keys
        this.host = host;
        this.redis = new JedisPooled(uri);
        try {
            Object memory = redis.sendCommand(Protocol.Command.INFO, "memory");
            String policy = new String((byte[]) memory, StandardCharsets.UTF_8);
            if (!policy.contains("maxmemory_policy:noeviction")) {
                throw new SQLException("Redis evicts keys when it is full, and an evicted claim would be won twice: set"
                        + " maxmemory-policy noeviction");
            }
        } catch (JedisException e) {
            redis.close();
            throw unavailable(e);
        } catch (SQLException e) {
            redis.close();
            throw e;
        }
    }

    private static SQLException unavailable(JedisException e) {
        return new SQLException("Redis: " + e.getMessage(), e);
    }

    private Object eval(String script, List<String> keys, String... arguments) throws SQLException {
        try {
            return redis.eval(script, keys, List.of(arguments));
        } catch (JedisException e) {
            throw unavailable(e);
        }
    }

    private String key(String eventId) {
        return prefix + "claim:" + eventId;
    }

    private String fence() {
        return prefix + "fence";
    }

    private static String millis(long leaseMillis) {
        return Long.toString(leaseMillis == FOREVER ? -1 : leaseMillis);
    }

    @Override
    public Answer claim(String eventId, long generation, long leaseMillis) throws SQLException {
        List<?> answer = (List<?>) eval(
                CLAIM,
                List.of(key(eventId), fence()),
                Long.toString(generation),
                millis(leaseMillis),
                Long.toString(WINDOW_MILLIS),
                host);
        long attempt = (Long) answer.get(0);
        long held = (Long) answer.get(1);
        if (attempt > 0) {
            return Answer.won(attempt);
        }
        return held == -2 ? Answer.FENCED : Answer.lost(held == -1 ? FOREVER : held);
    }

    @Override
    public boolean renew(Token token, long leaseMillis) throws SQLException {
        return lease(token, millis(leaseMillis));
    }

    @Override
    public boolean release(Token token) throws SQLException {
        boolean released = lease(token, "0");
        if (released) {
            try {
                redis.publish(prefix + "bell", "released");
            } catch (JedisException e) {
                // a hint only
            }
        }
        return released;
    }

    private boolean lease(Token token, String millis) throws SQLException {
        return (Long) eval(
                        LEASE,
                        List.of(key(token.eventId())),
                        Long.toString(token.generation()),
                        Long.toString(token.attempt()),
                        host,
                        millis,
                        Long.toString(WINDOW_MILLIS))
                == 1;
    }

    @Override
    public OptionalLong holder(String eventId) throws SQLException {
        long generation = (Long) eval(HOLDER, List.of(key(eventId), fence()));
        return generation < 0 ? OptionalLong.empty() : OptionalLong.of(generation);
    }

    @Override
    public void fence(long minGeneration) throws SQLException {
        eval(FENCE, List.of(fence()), host, Long.toString(minGeneration));
    }

    /** Nothing: the keys expire by themselves. */
    @Override
    public Pruned prune(long windowMillis) {
        return new Pruned(0, false);
    }

    @Override
    public void listen(Runnable bell) {
        JedisPubSub subscription = new JedisPubSub() {
            @Override
            public void onMessage(String channel, String message) {
                bell.run();
            }
        };
        Thread thread = new Thread(
                () -> {
                    try {
                        redis.subscribe(subscription, prefix + "bell");
                    } catch (JedisException e) {
                        System.getLogger(RedisStore.class.getName())
                                .log(System.Logger.Level.WARNING, "no doorbell any more: " + e.getMessage());
                    }
                },
                "rollout-listen");
        thread.setDaemon(true);
        thread.start();
        ears = subscription;
    }

    @Override
    public void close() {
        if (ears != null && ears.isSubscribed()) {
            ears.unsubscribe();
        }
        redis.close();
    }
}
