package dev.rollout.lib;

class PostgresStoreIT extends SharedStoreContract {
    @Override
    Server start() throws Exception {
        return new Server("ready to accept connections", "run-postgres");
    }

    @Override
    String url(String address) {
        return "postgresql://rollout@" + address + "/postgres";
    }
}
