package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Role;
import java.io.BufferedReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Java, Python, Node.js and a shell on the same ids, each in a process (three in containers) of its own. */
class LanguagesIT {
    private static final int IDS = 100_000;

    @Test
    void fourLanguagesOnTheSameIdsHaveExactlyOneWinnerEach() throws Exception {
        Language.image();
        try (Folder folder = new Folder(Mode.COMPETING)) {
            Map<Language, Path> won = new EnumMap<>(Language.class);
            List<Process> processes = new ArrayList<>();
            for (Language language : Language.values()) {
                won.put(language, folder.path.resolve("won-" + language));
                processes.add(language.race(
                        folder.path,
                        "race-" + language.name().toLowerCase(Locale.ROOT) + "-" + System.nanoTime(),
                        IDS,
                        (language.ordinal() + 1) * IDS / 4,
                        won.get(language)));
            }
            int[] winners = new int[IDS];
            Map<String, Integer> shares = new TreeMap<>();
            ClaimsDatabase agent = folder.agent;
            try (Rollout java = Rollout.join(folder.member("java", 2))) {
                // what the agent does: an old SQLite has joined, so the log goes, in the middle of the race
                ClaimStoreContract.until(
                        "all have joined", () -> folder.agent.instances().size() == 4);
                ClaimStoreContract.until("the slowest has won one", () -> Files.size(won.get(Language.SHELL)) > 0);
                assertTrue(agent.logInDanger(), agent.instances().toString());
                agent = agent.moveToRollbackJournal();
                for (int i = 0; i < IDS; i++) { // the others begin at other ids, so that each wins, and loses, many
                    Claim claim = java.claim("event:" + i);
                    if (claim instanceof Claim.Claimed) {
                        winners[i]++;
                        shares.merge("JAVA", 1, Integer::sum);
                    } else {
                        assertTrue(claim instanceof Claim.Lost, claim.toString());
                    }
                }
            }
            for (Process process : processes) {
                assertTrue(process.waitFor(900, TimeUnit.SECONDS), "it hangs");
                assertEquals(0, process.exitValue());
            }
            for (Map.Entry<Language, Path> one : won.entrySet()) {
                for (String id : Files.readAllLines(one.getValue())) {
                    winners[Integer.parseInt(id.substring("event:".length()))]++;
                    shares.merge(one.getKey().name(), 1, Integer::sum);
                }
            }
            System.out.println("won: " + shares);
            assertEquals(4, shares.size(), "each of them won: " + shares);
            for (int i = 0; i < IDS; i++) {
                assertEquals(1, winners[i], "winners of event " + i + ", " + shares);
            }
            assertFalse(agent.logInDanger());
            assertEquals(ClaimStore.Answer.lost(ClaimStore.FOREVER), agent.claim("event:0", 2, ClaimStore.FOREVER));
            agent.close();
        }
    }

    /** Leases, tokens, odd ids, the fence, effect keys: the answers of every language are those of Java. */
    @ParameterizedTest
    @EnumSource(Language.class)
    void everyLanguageGivesTheSameAnswers(Language language) throws Exception {
        Language.image();
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            folder.activate("other", 1);
            folder.agent.claim("taken", 1, ClaimStore.FOREVER);
            Process process = language.inContainer(folder.path, "check-" + System.nanoTime(), "check")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            var lines = process.inputReader(StandardCharsets.UTF_8);
            assertEquals("STANDBY", lines.readLine(), "its role at first");
            assertEquals("CLAIMED 1", lines.readLine(), "a lease on an odd id");
            assertEquals("CLAIMED 2", lines.readLine(), "again after it was given back");
            assertEquals("stale", lines.readLine(), "the first token");
            assertEquals("LOST", lines.readLine(), "taken by another");
            assertEquals(EffectKey.of("create:1#r\u00e9ponse"), lines.readLine());
            String joined = folder.agent.instances().get(0).id();
            folder.activate(joined, 2);
            assertEquals("ACTIVE", lines.readLine());
            ClaimStoreContract.until(
                    "it reports",
                    () -> folder.agent.instance(joined).orElseThrow().role() == Role.ACTIVE
                            && folder.agent.instance(joined).orElseThrow().ready());
            folder.activate("next", 4);
            assertEquals("DRAINING", lines.readLine());
            folder.fence(4);
            assertEquals("STOPPED", lines.readLine());
            assertEquals("FENCED", lines.readLine());
            assertTrue(process.waitFor(20, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue());
        }
    }

    /** Between the two renames of a move the agent may be short of processor: there is a file again in a moment. */
    @ParameterizedTest
    @EnumSource(Language.class)
    void aMoveThatTakesAWhileIsWaitedFor(Language language) throws Exception {
        Language.image();
        try (Folder folder = new Folder(Mode.COMPETING)) {
            Path file = folder.path.resolve(ClaimsDatabase.NAME);
            Path aside = file.resolveSibling(ClaimsDatabase.NAME + ".old");
            Path won = folder.path.resolve("won");
            int ids = 1000;
            Process process = language.race(folder.path, "slow-" + System.nanoTime(), ids, 0, won);
            while (process.isAlive()) {
                Files.move(file, aside);
                Thread.sleep(100);
                Files.move(aside, file);
                Thread.sleep(200); // or a client that is short of processor itself opens it in the next one
            }
            assertEquals(0, process.exitValue());
            assertEquals(ids, Files.readAllLines(won).size(), "an answer that is neither won nor lost");
        }
    }

    /** One whose patience ends meanwhile opens the old file again, and is told of the move by an error of that one. */
    @ParameterizedTest
    @EnumSource(
            value = Language.class,
            names = {"PYTHON", "NODE"}) // the shell's patience is SQLite's own, and longer
    void aMoveThatHoldsTheFileForLongIsWaitedFor(Language language) throws Exception {
        Language.image();
        try (Folder folder = new Folder(Mode.COMPETING);
                Folder next = new Folder(Mode.COMPETING)) {
            Path file = folder.path.resolve(ClaimsDatabase.NAME);
            Path won = folder.path.resolve("won");
            int ids = 100_000;
            Process process = language.race(folder.path, "held-" + System.nanoTime(), ids, 0, won);
            ClaimStoreContract.until("it has won one", () -> Files.size(won) > 0);
            next.agent.close();
            try (Connection mover = DriverManager.getConnection("jdbc:sqlite:" + file);
                    Statement statement = mover.createStatement()) {
                statement.execute("PRAGMA busy_timeout = 5000");
                statement.execute("BEGIN IMMEDIATE");
                Thread.sleep(6000); // a client waits for five seconds, then opens it again, and waits for two
                Files.delete(folder.path.resolve(ClaimsDatabase.NAME + "-wal"));
                Files.delete(folder.path.resolve(ClaimsDatabase.NAME + "-shm"));
                Files.move(next.path.resolve(ClaimsDatabase.NAME), file, StandardCopyOption.REPLACE_EXISTING);
                statement.execute("DROP TABLE claim");
                statement.execute("COMMIT");
            }
            assertTrue(process.waitFor(120, TimeUnit.SECONDS), "it hangs");
            assertEquals(0, process.exitValue());
            assertEquals(ids, Files.readAllLines(won).size(), "an answer that is neither won nor lost");
        }
    }

    /**
     * A client that has opened the file, and was stopped before it read a byte of it: it would find a header that speaks of
     * a log, and open one under a name that is the new file's by then.
     */
    @Test
    void aClientThatWasStoppedBetweenOpeningAndReadingTouchesNothing() throws Exception {
        try (Folder folder = new Folder(Mode.BROADCAST)) {
            Path file = folder.path.resolve(ClaimsDatabase.NAME);
            folder.activate("a", 2);
            ProcessBuilder waits = Language.PYTHON.inContainer(folder.path, "waits-" + System.nanoTime(), "waits");
            waits.command().add(2, "--interactive");
            Process client =
                    waits.redirectError(ProcessBuilder.Redirect.INHERIT).start();
            try (BufferedReader said = client.inputReader();
                    Writer told = client.outputWriter()) {
                assertEquals("open", said.readLine());
                try (ClaimsDatabase moved = folder.agent.moveToRollbackJournal()) {
                    told.write("go\n");
                    told.flush();
                    assertEquals("file is not a database", said.readLine());
                    assertEquals(0, client.waitFor());
                    Path log = file.resolveSibling(ClaimsDatabase.NAME + "-wal");
                    assertTrue(!Files.exists(log) || Files.size(log) == 0, "a log beside the new file");
                    assertFalse(moved.logInDanger());
                    assertEquals(ClaimStore.Answer.won(1), moved.claim("create:1", 2, ClaimStore.FOREVER));
                    try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
                            ResultSet checked = other.createStatement().executeQuery("PRAGMA integrity_check")) {
                        assertEquals("ok", checked.getString(1));
                    }
                }
            } finally {
                client.destroyForcibly();
            }
        }
    }
}
