package dev.rollout.lib;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Scope;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Processes of several languages claim the same ids, while every 100 to 300 ms one of them is killed with SIGKILL (and
 * started again) or stopped for a moment, claims are pruned and roles are handed over. In the end every id has exactly
 * one winner.
 */
final class Torture {
    private static final long OLD_MILLIS = 600_000;

    private final Random random;
    private final int ids;
    private final List<Racer> racers = new ArrayList<>();
    private final Path folder;

    /** The ids that somebody is known to have. Read off what the racers say, since a count in a database of a million
     * rows would hold up the very claims that it counts. */
    private final BitSet claimed;

    /** How many have said that an id is theirs. */
    private final int[] winners;

    private ClaimsDatabase agent;
    private int kills;
    private int stops;
    private int pruned;
    private int promotions;

    /** One participant: a name for its whole life, and a process that may be the fifth. */
    private final class Racer {
        private final @Nullable Language language;
        private final String name;
        private Process process;
        private Path out;
        private int life;
        private long heard;
        private int won;

        Racer(@Nullable Language language, int number) throws Exception {
            this.language = language;
            this.name =
                    "torture-" + (language == null ? "java" : language.name().toLowerCase(Locale.ROOT)) + "-" + number
                            + "-" + ProcessHandle.current().pid();
            start();
        }

        private void start() throws Exception {
            out = folder.resolve("won-" + name + "-" + ++life);
            heard = 0;
            int free = claimed.nextClearBit(random.nextInt(ids)); // a life is too short to walk over all that are lost
            int from = (free < ids ? free : claimed.nextClearBit(0)) % ids;
            if (language != null) {
                process = language.race(folder, name + "-" + life, ids, from, out);
                return;
            }
            process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            ClaimStoreContract.classPath(),
                            Torture.class.getName(),
                            folder.toString(),
                            name,
                            Integer.toString(ids),
                            Integer.toString(from))
                    .redirectOutput(out.toFile())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        }

        /** The ids that this life has said since the last time; a line that is not whole yet is left for the next. */
        void hear() throws IOException {
            try (RandomAccessFile file = new RandomAccessFile(out.toFile(), "r")) {
                file.seek(heard);
                byte[] news = new byte[(int) (file.length() - heard)];
                file.readFully(news);
                String said = new String(news, UTF_8);
                int whole = said.lastIndexOf('\n') + 1;
                for (String line : said.substring(0, whole).lines().toList()) {
                    int id = Integer.parseInt(line.substring("event:".length()));
                    claimed.set(id);
                    winners[id]++;
                    won++;
                }
                heard += whole;
            }
        }

        void signal(String signal) throws Exception {
            if (language == null) {
                command("kill", "-" + signal, Long.toString(process.pid()));
            } else {
                command("docker", "kill", "-s", signal, name + "-" + life);
            }
        }

        void kill() throws Exception {
            signal("KILL");
            process.waitFor(20, TimeUnit.SECONDS);
            hear();
        }
    }

    /** @param seed printed, so that a run can be had again (but for what the machine does) */
    Torture(int ids, long seed, List<Language> languages, int javas) throws Exception {
        this.ids = ids;
        this.claimed = new BitSet(ids);
        this.winners = new int[ids];
        this.random = new Random(seed);
        this.folder = Files.createTempDirectory(Path.of("/dev/shm"), "rollout-torture");
        this.agent = ClaimsDatabase.create(folder.resolve(ClaimsDatabase.NAME), "service", Mode.COMPETING);
        agent.agentLives(3_600_000);
        System.out.println("torture: seed " + seed + ", " + ids + " ids, " + javas + " Java, " + languages);
        for (int i = 0; i < javas; i++) {
            racers.add(new Racer(null, i));
        }
        for (Language language : languages) {
            racers.add(new Racer(language, racers.size()));
        }
    }

    /** Until every id is claimed. */
    void run(long limitSeconds) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
        long old = 0;
        while (!allClaimed()) {
            if (System.nanoTime() > end) {
                throw new AssertionError(
                        "only " + claimed.cardinality() + " of " + ids + " after " + limitSeconds + " s");
            }
            Thread.sleep(100 + random.nextInt(200));
            if (agent.logInDanger()) {
                agent = agent.moveToRollbackJournal();
            }
            old = anotherDay(old);
            try (ClaimsDatabase fresh = ClaimsDatabase.open(folder.resolve(ClaimsDatabase.NAME))) {
                pruned += fresh.prune(OLD_MILLIS).claims(); // it begins with the first key: those of another day
            }
            agent.decide(new Scope(Mode.COMPETING, "nobody-" + promotions, ++promotions, 0));
            Racer victim = racers.get(random.nextInt(racers.size()));
            if (stops == 0 || kills > 0 && random.nextInt(3) > 0) { // both come in a short run, too
                victim.signal("STOP");
                Thread.sleep(20 + random.nextInt(200));
                victim.signal("CONT");
                stops++;
            } else {
                victim.kill();
                victim.start();
                kills++;
            }
        }
    }

    /** Something to prune: a hundred claims that are old. */
    private long anotherDay(long from) throws SQLException {
        try (ClaimsDatabase then = ClaimsDatabase.create(
                folder.resolve(ClaimsDatabase.NAME),
                "service",
                Mode.COMPETING,
                () -> Instant.ofEpochMilli(System.currentTimeMillis() - 2 * OLD_MILLIS))) {
            for (long i = from; i < from + 100; i++) {
                then.claim("another day:" + i, 2, ClaimStore.FOREVER);
            }
        }
        return from + 100;
    }

    /** Near the end the database is asked for what nobody has said: its winner may have been killed before it could. */
    private boolean allClaimed() throws Exception {
        for (Racer racer : racers) {
            racer.hear();
        }
        if (ids - claimed.cardinality() > kills + racers.size()) {
            return false;
        }
        try (Connection connection = database();
                PreparedStatement row = connection.prepareStatement("SELECT 1 FROM claim WHERE event_id = ?")) {
            for (int id = claimed.nextClearBit(0); id < ids; id = claimed.nextClearBit(id + 1)) {
                row.setString(1, "event:" + id);
                claimed.set(id, row.executeQuery().next());
            }
        }
        return claimed.cardinality() == ids;
    }

    private Connection database() throws SQLException {
        Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(ClaimsDatabase.NAME));
        connection.createStatement().execute("PRAGMA busy_timeout = 20000");
        return connection;
    }

    /** What the participants have written down, held against the database. @return the figures, in a line */
    String account() throws Exception {
        Map<String, Integer> shares = new TreeMap<>();
        for (Racer racer : racers) {
            racer.kill();
            shares.merge(racer.language == null ? "JAVA" : racer.language.name(), racer.won, Integer::sum);
        }
        long twice = Arrays.stream(winners).filter(count -> count > 1).count();
        long silent = Arrays.stream(winners).filter(count -> count == 0).count();
        long rows;
        String integrity;
        try (Connection connection = database()) {
            rows = Long.parseLong(value(connection, "SELECT count(*) FROM claim WHERE event_id LIKE 'event:%'"));
            integrity = value(connection, "PRAGMA integrity_check");
        }
        String figures = ids + " ids, " + rows + " claimed, " + twice + " won twice, " + silent
                + " won by a process that was killed before it said so, " + kills + " kills, " + stops + " stops, "
                + promotions + " promotions, " + pruned + " pruned, by " + shares + ", integrity " + integrity;
        boolean right = rows == ids && twice == 0 && silent <= kills + racers.size() && integrity.equals("ok");
        if (!right || kills == 0 || stops == 0 || pruned == 0) {
            throw new AssertionError(figures);
        }
        return figures;
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (ResultSet row = connection.createStatement().executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    void close() throws Exception {
        agent.close();
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    private static void command(String... words) throws IOException, InterruptedException {
        new ProcessBuilder(words)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD) // it may have ended by itself
                .start()
                .waitFor();
    }

    /** A participant in Java: {@code FOLDER NAME IDS FROM}. Or the long form: {@code IDS SECONDS SEED} and
     * {@code log} (Java and Node.js on the write-ahead log) or {@code all} (every language, on a rollback journal). */
    public static void main(String[] args) throws Exception {
        if (Character.isDigit(args[0].charAt(0))) {
            boolean log = args[3].equals("log");
            List<Language> languages = log ? List.of(Language.NODE) : List.of(Language.values());
            Torture torture = new Torture(Integer.parseInt(args[0]), Long.parseLong(args[2]), languages, log ? 3 : 1);
            try {
                torture.run(Long.parseLong(args[1]));
                System.out.println(torture.account());
            } finally {
                torture.close();
            }
            return;
        }
        Membership member = new Membership("p", "service", args[1], 2, Path.of(args[0]), 0);
        int ids = Integer.parseInt(args[2]);
        int from = Integer.parseInt(args[3]);
        try (Rollout rollout = Rollout.join(member)) {
            for (int n = 0; n < ids; n++) {
                String id = "event:" + (from + n) % ids;
                Claim claim = rollout.claim(id);
                if (claim instanceof Claim.Claimed) {
                    System.out.println(id);
                } else if (!(claim instanceof Claim.Lost)) {
                    System.err.println(claim);
                    Runtime.getRuntime().halt(3);
                }
            }
        }
    }
}
