package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClaimsTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @Test
    void oneOfTwoInstancesWins() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            assertInstanceOf(Claim.Claimed.class, a.claim("create:1"));
            assertInstanceOf(Claim.Lost.class, b.claim("create:1"));
            assertInstanceOf(Claim.Lost.class, a.claim("create:1"));
            assertInstanceOf(Claim.Claimed.class, b.claim("delete:1"));
        }
    }

    @Test
    void aFencedInstanceWinsNothing() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            folder.activate("b", 2);
            folder.fence(2);
            assertInstanceOf(Claim.Fenced.class, a.claim("create:1"));
            assertInstanceOf(Claim.Claimed.class, b.claim("create:1"));
            assertTrue(a.awaitRole(Role.STOPPED, SOON));
        }
    }

    @Test
    void aStoreThatIsGoneIsUnavailableAndNeverLost() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            Membership member = folder.member("a", 1);
            LocalStore store = new LocalStore(new Membership("p", "s", "a", 1, folder.path.resolve("nowhere"), 0));
            assertInstanceOf(Claim.Unavailable.class, new Claims(store, () -> 1).claim("create:1", ClaimStore.FOREVER));
            for (String part : List.of("", "-wal", "-shm")) {
                Files.delete(folder.path.resolve(ClaimsDatabase.NAME + part));
            }
            Files.writeString(
                    folder.path.resolve(ClaimsDatabase.NAME), "no database, but a long enough text ".repeat(100));
            assertInstanceOf(
                    Claim.Unavailable.class,
                    new Claims(new LocalStore(member), () -> 1).claim("create:1", ClaimStore.FOREVER));
        }
    }

    @Test
    void aDatabaseThatWasReplacedIsOpenedAgain() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1))) {
            folder.activate("a", 1);
            assertTrue(a.awaitRole(Role.ACTIVE, SOON));
            try (var files = Files.list(folder.path)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            try (ClaimsDatabase anew =
                    ClaimsDatabase.create(folder.path.resolve(ClaimsDatabase.NAME), "service", Mode.BROADCAST)) {
                anew.decide(new dev.rollout.contract.Scope(Mode.BROADCAST, "b", 2, 0));
                assertTrue(a.awaitRole(Role.DRAINING, SOON), "it sees the new file: " + a.role());
            }
        }
    }

    @Test
    void withoutAnAgentEverythingIsActiveAndWon() {
        try (Rollout laptop = Rollout.join()) {
            assertEquals(Role.ACTIVE, laptop.role());
            assertInstanceOf(Claim.Claimed.class, laptop.claim("create:1"));
            assertInstanceOf(Claim.Claimed.class, laptop.claim("create:1"));
        }
    }

    @Test
    void anEventIdThatIsTooLongIsTheCallersError() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 1))) {
            assertThrows(IllegalArgumentException.class, () -> a.claim("x".repeat(129)));
            assertThrows(IllegalArgumentException.class, () -> a.claim(""));
        }
    }
}
