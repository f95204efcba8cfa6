package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** Nobody can take the lock from a frozen process: claims say so until it goes on, or is killed. */
    @ParameterizedTest
    @ValueSource(strings = {"CONT", "KILL"})
    void aProcessFrozenInsideTheWriteLockMakesClaimsUnavailableAndNeverLost(String end) throws Exception {
        Process frozen = racer("freeze", "create:1");
        try (ClaimStore store = open()) {
            assertEquals("inside", frozen.inputReader().readLine());
            signal("STOP", frozen);
            Claims claims = new Claims(store, () -> 4);
            Claim.Unavailable refused = assertInstanceOf(Claim.Unavailable.class, claims.claim("create:1", FOREVER));
            assertTrue(String.valueOf(refused.cause().getMessage()).contains("BUSY"), refused.toString());
            assertInstanceOf(Claim.Unavailable.class, claims.claim("create:2", FOREVER));
            signal(end, frozen);
            if (end.equals("CONT")) {
                frozen.outputWriter().write('\n');
                frozen.outputWriter().flush();
                assertEquals("committed", frozen.inputReader().readLine());
                assertInstanceOf(Claim.Lost.class, claims.claim("create:1", FOREVER));
            } else {
                frozen.waitFor();
                assertInstanceOf(Claim.Claimed.class, claims.claim("create:1", FOREVER), "it never had it");
            }
            assertInstanceOf(Claim.Claimed.class, claims.claim("create:2", FOREVER));
        } finally {
            frozen.destroyForcibly(); // a stopped process outlives its parent
        }
    }

    /** A foreign client may write any bytes; as a Java string they would be others, and the walk would never end. */
    @Test
    void keysThatAreNoTextAreForgottenToo() throws Exception {
        try (ClaimStore store = open();
                Connection foreign = DriverManager.getConnection("jdbc:sqlite:" + address());
                Statement statement = foreign.createStatement()) {
            statement.execute("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1023)"
                    + " INSERT INTO claim SELECT 1, CAST(x'ff' || i AS TEXT), 2, 1, 1, 9223372036854775807 FROM n");
            assertEquals(1024, pruneAll(store, 60_000));
        }
    }

    @Test
    void theNativeLibraryLeavesNothingBehindEvenAfterKill9(@TempDir Path temporary) throws Exception {
        ProcessBuilder holding = racing("hold", "create:1");
        holding.environment().put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + temporary);
        Process holder = holding.start();
        try (var left = Files.list(temporary)) {
            assertNotNull(holder.inputReader().readLine(), "it has claimed");
            holder.destroyForcibly().waitFor();
            assertEquals(List.of(), left.toList());
        } finally {
            holder.destroyForcibly();
        }
    }

    @Override
    String address() {
        return folder.path.resolve(ClaimsDatabase.NAME).toString();
    }
}
