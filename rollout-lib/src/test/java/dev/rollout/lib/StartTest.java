package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import dev.rollout.contract.RoleFile;
import dev.rollout.contract.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Where an instance starts, after a crash and after a reboot, and what it may share. */
class StartTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final long YOUNG = System.currentTimeMillis() / 1000;

    private static void reboot(Folder folder) throws Exception {
        folder.agent.close();
        try (var files = Files.list(folder.path)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void role(Folder folder, Scope scope) throws Exception {
        Path state = Files.createDirectories(folder.path.resolve("state"));
        new RoleFile(scope, "active").write(state.resolve(RoleFile.NAME));
    }

    private static Membership member(Folder folder, String instance, long generation, long standbySince) {
        return new Membership("p", "service", instance, generation, folder.path, standbySince);
    }

    @Test
    void theActiveInstanceIsActiveAtOnceAfterACrash() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("a", 2);
            try (Rollout a = Rollout.join(folder.member("a", 2));
                    Rollout b = Rollout.join(folder.member("b", 4))) {
                assertEquals(Role.ACTIVE, a.role());
                assertEquals(Role.STANDBY, b.role());
            }
        }
    }

    @Test
    void anInstanceBelowTheFenceNeverActs() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("b", 4);
            folder.fence(4);
            try (Rollout a = Rollout.join(folder.member("a", 2))) {
                assertEquals(Role.STOPPED, a.role());
                assertInstanceOf(Claim.Fenced.class, a.claim("create:1"));
            }
        }
    }

    @Test
    void afterARebootRoleJsonSaysWhoIsActive() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            reboot(folder);
            role(folder, new Scope(Mode.BROADCAST, "b", 4, 4));
            try (Rollout a = Rollout.join(member(folder, "a", 2, 0));
                    Rollout b = Rollout.join(member(folder, "b", 4, 1))) {
                assertEquals(Role.STOPPED, a.role());
                assertEquals(Role.ACTIVE, b.role());
                assertInstanceOf(Claim.Claimed.class, b.claim("create:1"), "it made the database again");
                assertInstanceOf(Claim.Fenced.class, a.claim("create:1"));
            }
        }
    }

    @Test
    void afterARebootWithoutARoleFileOneWinsAndAYoungStandbyDoesNotTry() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            reboot(folder);
            try (Rollout candidate = Rollout.join(member(folder, "c", 6, YOUNG));
                    Rollout a = Rollout.join(member(folder, "a", 4, 0));
                    Rollout b = Rollout.join(member(folder, "b", 4, 0))) {
                assertEquals(
                        List.of(Role.STANDBY, Role.ACTIVE, Role.STANDBY),
                        List.of(candidate.role(), a.role(), b.role()));
            }
            reboot(folder);
            try (Rollout old = Rollout.join(member(folder, "c", 6, YOUNG - 3600))) {
                assertEquals(Role.ACTIVE, old.role(), "a standby that outlived its rollout");
            }
        }
    }

    @Test
    void withoutRowsAndWithoutAFolderToMakeThemInARoleIsKeptFromTheFile() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            role(folder, new Scope(Mode.BROADCAST, "a", 2, 0));
            Path elsewhere = Files.createDirectories(folder.path.resolve("elsewhere"));
            Files.createSymbolicLink(elsewhere.resolve("state"), folder.path.resolve("state"));
            Files.createDirectory(elsewhere.resolve(ClaimsDatabase.NAME)); // nothing can be made or opened there
            try (Rollout a = Rollout.join(new Membership("p", "service", "a", 2, elsewhere, 0))) {
                assertEquals(Role.ACTIVE, a.role());
                assertInstanceOf(Claim.Unavailable.class, a.claim("create:1"));
            }
        }
    }

    @Test
    void aReadyStandbyStandsInForADeadActiveInstanceOnlyWhereNoAgentLivesAndOnlyByPolicy() throws Exception {
        AtomicLong offset = new AtomicLong(-60_000);
        InstantSource past = () -> Instant.ofEpochMilli(System.currentTimeMillis() + offset.get());
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.agent.close();
            // the dead instance and the agent were last seen a minute ago
            try (ClaimsDatabase then = ClaimsDatabase.create(
                            folder.path.resolve(ClaimsDatabase.NAME), "service", Mode.BROADCAST, past);
                    ClaimsDatabase agent = ClaimsDatabase.create(
                            folder.path.resolve(ClaimsDatabase.NAME), "service", Mode.BROADCAST)) {
                then.join("a", 2, Role.ACTIVE, "test");
                then.decide(new Scope(Mode.BROADCAST, "a", 2, 0));
                agent.agentLives(60_000);
                Membership member = folder.member("b", 2);
                try (Rollout waiting = Rollout.join(member);
                        Rollout b =
                                Rollout.join(folder.member("c", 2), JoinOptions.DEFAULT.with(WhenAgentGone.PROMOTE))) {
                    waiting.ready();
                    b.ready();
                    assertFalse(b.awaitRole(Role.ACTIVE, Duration.ofMillis(2500)), "the agent lives: it decides");
                    then.agentLives(1000); // that was a minute ago
                    assertTrue(b.awaitRole(Role.ACTIVE, SOON));
                    assertEquals(Role.STANDBY, waiting.role());
                    assertInstanceOf(Claim.Claimed.class, b.claim("create:1"));
                    assertTrue(agent.takePromotion(), "the agent that comes back hears of it");
                    assertFalse(agent.takePromotion(), "once");
                    try (Rollout back = Rollout.join(folder.member("a", 2))) {
                        assertEquals(Role.STANDBY, back.role(), "the dead one comes back, and is not the active one");
                    }
                }
            }
        }
    }

    @Test
    void whatCannotBeSharedIsRefusedWithAReason() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            Path file = folder.path.resolve(ClaimsDatabase.NAME);
            Path copies = Files.createDirectory(folder.path.resolve("copies"));
            Path copy = copies.resolve(ClaimsDatabase.NAME);
            Files.copy(file, copy);
            Files.copy(file.resolveSibling("claims.db-wal"), copy.resolveSibling("claims.db-wal"));
            assertTrue(refusal(copy).contains("is a copy"), refusal(copy));
            try (Connection raw = DriverManager.getConnection("jdbc:sqlite:" + file)) {
                raw.createStatement().execute("UPDATE meta SET v = 'another' WHERE k = 'boot'");
            }
            assertTrue(refusal(file).contains("under another kernel"), refusal(file));
        }
    }

    private static String refusal(Path file) {
        return String.valueOf(assertThrows(SQLException.class, () -> ClaimsDatabase.open(file))
                .getMessage());
    }

    /** An instance with an old SQLite joins while others claim: the file is replaced under their hands. */
    @Test
    void theMoveToARollbackJournalLosesNoClaimAndWinsNoneTwice() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2));
                Rollout b = Rollout.join(folder.member("b", 2))) {
            folder.activate("a", 2);
            assertFalse(folder.agent.logInDanger());
            try (Connection old =
                    DriverManager.getConnection("jdbc:sqlite:" + folder.path.resolve(ClaimsDatabase.NAME))) {
                old.createStatement()
                        .execute(
                                "INSERT INTO instance VALUES('old', 1, 2, 'STANDBY', '', 0, 0, 'python', '3.40.1', 0)");
            }
            assertTrue(folder.agent.logInDanger());
            int ids = 50_000;
            int[] winners = new int[ids];
            AtomicBoolean failed = new AtomicBoolean();
            AtomicLong at = new AtomicLong();
            List<Thread> threads = new ArrayList<>();
            for (Rollout one : List.of(a, b)) {
                Thread thread = new Thread(() -> {
                    for (int i = 0; i < ids; i++) {
                        at.set(i);
                        Claim claim = one.claim("event:" + i);
                        if (claim instanceof Claim.Claimed) {
                            synchronized (winners) {
                                winners[i]++;
                            }
                        } else if (!(claim instanceof Claim.Lost)) {
                            failed.set(true);
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            ClaimStoreContract.until("they claim", () -> at.get() > 2000);
            ClaimsDatabase moved = folder.agent.moveToRollbackJournal();
            try (moved) {
                assertTrue(at.get() < ids - 1, "the move came too late to mean something");
                assertFalse(moved.logInDanger(), "a rollback journal now");
                for (Thread thread : threads) {
                    thread.join();
                }
                assertFalse(failed.get(), "an answer that is neither won nor lost");
                for (int i = 0; i < ids; i++) {
                    assertEquals(1, winners[i], "winners of event " + i);
                    assertEquals(
                            ClaimStore.Answer.lost(ClaimStore.FOREVER),
                            moved.claim("event:" + i, 2, ClaimStore.FOREVER));
                }
                assertEquals("a", moved.scope().active());
                assertEquals(3, moved.instances().size());
            }
        }
    }

    /** The agent was killed between the two renames of a move: an instance waits for it, and makes no database beside. */
    @Test
    void aMoveThatWasCutShortIsTheAgentsToFinish() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            Path file = folder.path.resolve(ClaimsDatabase.NAME);
            folder.agent.claim("create:1", 2, ClaimStore.FOREVER);
            folder.agent.close();
            Path aside = file.resolveSibling("claims.db.old");
            Path copy = Files.copy(file, file.resolveSibling("claims.db.new"));
            try (Connection into = DriverManager.getConnection("jdbc:sqlite:" + copy);
                    Statement statement = into.createStatement()) {
                statement.execute(
                        "UPDATE meta SET v = '" + Files.getAttribute(copy, "unix:ino") + "' WHERE k = 'inode'");
            }
            Files.move(file, aside);
            try (Rollout a = Rollout.join(folder.member("a", 2))) {
                assertInstanceOf(Claim.Unavailable.class, a.claim("create:1"));
                assertFalse(Files.exists(file), "it made a database of its own");
                CompletableFuture<Claim> meanwhile = CompletableFuture.supplyAsync(() -> a.claim("create:2"));
                Thread.sleep(100);
                assertFalse(meanwhile.isDone(), "a move takes a moment, which is waited for");
                try (ClaimsDatabase agent = ClaimsDatabase.create(file, "service", Mode.BROADCAST)) {
                    assertFalse(Files.exists(aside));
                    assertInstanceOf(Claim.Claimed.class, meanwhile.join());
                    assertEquals(
                            ClaimStore.Answer.lost(ClaimStore.FOREVER), agent.claim("create:1", 2, ClaimStore.FOREVER));
                    assertInstanceOf(Claim.Lost.class, a.claim("create:1"));
                }
            }
        }
    }

    @Test
    void aFullStoreIsUnavailableAndNeverLost() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST);
                Rollout a = Rollout.join(folder.member("a", 2))) {
            assertTrue(folder.agent.fill() < 0.01);
            try (LocalStore store = new LocalStore(folder.member("a", 2));
                    ClaimsDatabase small = ClaimsDatabase.open(folder.path.resolve(ClaimsDatabase.NAME))) {
                small.room(0); // no page more than there are
                Claims claims = new Claims(small, () -> 2);
                Claim claim = claims.claim("event:0", ClaimStore.FOREVER);
                int i = 1;
                while (claim instanceof Claim.Claimed && i < 10_000) {
                    claim = claims.claim("event:" + i++, ClaimStore.FOREVER);
                }
                Exception cause =
                        assertInstanceOf(Claim.Unavailable.class, claim).cause();
                assertTrue(String.valueOf(cause.getMessage()).contains("FULL"), cause.toString());
                assertInstanceOf(Claim.Lost.class, new Claims(store, () -> 2).claim("event:0", ClaimStore.FOREVER));
            }
        }
    }
}
