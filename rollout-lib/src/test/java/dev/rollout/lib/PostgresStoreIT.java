package dev.rollout.lib;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresStoreIT extends SharedStoreContract {
    private static Server server;

    @BeforeAll
    static void start() throws Exception {
        server = new Server("ready to accept connections", "run-postgres");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Override
    Server server() {
        return server;
    }

    @Override
    String url() {
        return "postgresql://rollout@" + server.address() + "/postgres";
    }
}
