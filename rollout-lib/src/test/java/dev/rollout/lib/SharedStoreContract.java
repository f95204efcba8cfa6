package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimStore.Answer;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.Token;
import dev.rollout.store.Stores;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What a store passes beside, that instances on several hosts share. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SharedStoreContract extends ClaimStoreContract {
    private Server server;
    private String scope = "";

    /** A server of this store, one for all tests of the class. */
    abstract Server start() throws Exception;

    /** Where the store is, with the server's address in it. */
    abstract String url(String address);

    @BeforeAll
    void startServer() throws Exception {
        server = start();
    }

    @AfterAll
    void stopServer() {
        server.close();
    }

    private String url() {
        return url(server.address());
    }

    @BeforeEach
    void ownScope() {
        scope = "p/" + UUID.randomUUID();
    }

    @Override
    String address() {
        return url() + " " + scope + " host-a";
    }

    private ClaimStore of(String host) throws SQLException {
        return Stores.open(url(), scope, host);
    }

    @Test
    void everyHostHasAFenceOfItsOwnAndTheClaimsAreOne() throws Exception {
        try (ClaimStore a = of("host-a");
                ClaimStore b = of("host-b")) {
            a.fence(40);
            assertEquals(Answer.FENCED, a.claim("create:1", 38, FOREVER));
            assertEquals(Answer.won(1), b.claim("create:1", 2, FOREVER), "generations of two hosts are not compared");
            assertEquals(Answer.lost(FOREVER), a.claim("create:1", 40, FOREVER));
        }
    }

    @Test
    void theDoorbellRingsWhenAClaimIsGivenBack() throws Exception {
        try (ClaimStore a = of("host-a");
                ClaimStore b = of("host-b")) {
            Semaphore bell = new Semaphore(0);
            b.listen(bell::release);
            until("the bell rings", () -> {
                long attempt = a.claim("job:1", 2, 60_000).attempt();
                assertTrue(a.release(new Token("job:1", 2, attempt)));
                return bell.tryAcquire(50, TimeUnit.MILLISECONDS);
            });
        }
    }

    /** The agent's word about this host's instances, carried to where the claims are. */
    @Test
    void anInstanceCarriesItsHostsFenceIntoTheStore() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Folder other = new Folder(Mode.BROADCAST);
                Rollout old = Rollout.join(folder.member("old", 2), JoinOptions.DEFAULT.with(of("host-a")));
                Rollout next = Rollout.join(folder.member("next", 4), JoinOptions.DEFAULT.with(of("host-a")));
                Rollout elsewhere =
                        Rollout.join(other.member("elsewhere", 2), JoinOptions.DEFAULT.with(of("host-b")))) {
            folder.activate("next", 4);
            assertTrue(next.awaitRole(Role.ACTIVE, Duration.ofSeconds(5)));
            assertInstanceOf(Claim.Claimed.class, old.claim("create:1"));
            assertInstanceOf(Claim.Lost.class, next.claim("create:1"));
            folder.fence(4);
            until("the fence is there", () -> old.claim("create:" + System.nanoTime()) instanceof Claim.Fenced);
            assertInstanceOf(Claim.Claimed.class, next.claim("create:2"));
            assertInstanceOf(Claim.Lost.class, elsewhere.claim("create:2"));
        }
    }

    @Test
    void aServerThatIsAwayIsAnErrorAndNeverALostRaceAndItIsFoundAgain() throws Exception {
        try (ClaimStore store = open()) {
            assertEquals(Answer.won(1), store.claim("create:1", 2, FOREVER));
            server.kill();
            assertThrows(SQLException.class, () -> store.claim("create:2", 2, FOREVER));
            assertThrows(SQLException.class, () -> store.claim("create:2", 2, FOREVER));
            server.startAgain();
            until("it is found again", () -> {
                try {
                    return store.claim("create:3", 2, FOREVER).attempt() > 0;
                } catch (SQLException away) {
                    return false;
                }
            });
        }
    }
}
