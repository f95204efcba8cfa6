package dev.rollout.store;

import dev.rollout.contract.ClaimStore;
import java.net.URI;
import java.net.URISyntaxException;
import java.sql.SQLException;

/** Opens the store that a URL names. */
public final class Stores {
    private Stores() {}

    /**
     * @param url {@code postgresql://[user[:password]@]host[:port]/database}, {@code redis://[[user]:password@]host[:port][/db]},
     *     {@code rediss://…} for TLS
     * @param scope whose claims: {@code project/service}, the same on every host
     * @param host whose fence: the hosts' generations are their own, so each has a fence of its own
     * @throws SQLException where the URL is none of these, the driver is missing, or the store cannot be reached
     */
    public static ClaimStore open(String url, String scope, String host) throws SQLException {
        try {
            URI uri = new URI(url);
            String scheme = String.valueOf(uri.getScheme());
            return switch (scheme) {
                case "postgresql", "postgres" -> new PostgresStore(uri, scope, host);
                case "redis", "rediss" -> new RedisStore(uri, scope, host);
                default -> throw new SQLException("'" + scheme + ":' is no store: postgresql://…, redis://… are");
            };
        } catch (URISyntaxException e) {
            throw new SQLException("not a URL: " + e.getReason());
        } catch (NoClassDefFoundError e) {
            throw new SQLException(
                    "the driver is missing (" + e.getMessage()
                            + "): add org.postgresql:postgresql or redis.clients:jedis",
                    e);
        }
    }
}
