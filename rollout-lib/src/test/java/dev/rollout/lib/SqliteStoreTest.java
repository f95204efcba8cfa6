package dev.rollout.lib;

import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

class SqliteStoreTest extends ClaimStoreContract {
    private Folder folder;

    @BeforeEach
    void make() throws Exception {
        folder = new Folder(Mode.BROADCAST);
    }

    @AfterEach
    void remove() throws Exception {
        folder.close();
    }

    @Override
    String address() {
        return folder.path.resolve(ClaimsDatabase.NAME).toString();
    }
}
