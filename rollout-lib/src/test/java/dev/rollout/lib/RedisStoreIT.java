package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.store.Stores;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class RedisStoreIT extends SharedStoreContract {
    private static Server redis(String... more) throws Exception {
        String[] command = {"redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""};
        String[] all = java.util.Arrays.copyOf(command, command.length + more.length);
        System.arraycopy(more, 0, all, command.length, more.length);
        return new Server("Ready to accept connections", all);
    }

    @Override
    Server start() throws Exception {
        return redis();
    }

    @Override
    String url(String address) {
        return "redis://" + address + ":6379";
    }

    @Override
    boolean prunesByItself() {
        return true;
    }

    @Test
    void aServerThatEvictsIsRefused() throws Exception {
        try (Server evicts = redis("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")) {
            String url = url(evicts.address());
            String message = String.valueOf(assertThrows(SQLException.class, () -> Stores.open(url, "s", "h"))
                    .getMessage());
            assertTrue(message.contains("noeviction"), message);
        }
    }

    @Test
    void nonsenseIsNoStore() {
        for (String url : new String[] {"mysql://x/y", "nonsense", "redis://nowhere.invalid:1"}) {
            assertThrows(SQLException.class, () -> Stores.open(url, "s", "h"), url);
        }
    }
}
