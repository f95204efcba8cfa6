import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Claims on one connection, and beside another process. FOLDER rate | FOLDER million | FOLDER collide yield|timeout
 * START_NANOS OUT | svg OUT NAME=FILE… (each file has a latency in nanoseconds on a line).
 */
public class BenchClaims {
    private static final int CLAIMS = 200_000;
    private static final int EVENTS = 10_000;

    public static void main(String[] args) throws Exception {
        if (args[0].equals("svg")) {
            svg(Path.of(args[1]), Arrays.copyOfRange(args, 2, args.length));
            return;
        }
        Path file = Files.createDirectories(Path.of(args[0])).resolve(ClaimsDatabase.NAME);
        switch (args[1]) {
            case "rate" -> rate(file, args[2]);
            case "million" -> million(file);
            case "collide" -> collide(file, args[2].equals("yield"), Long.parseLong(args[3]), Path.of(args[4]));
            default -> throw new IllegalArgumentException(args[1]);
        }
    }

    private static void rate(Path file, String out) throws Exception {
        try (ClaimsDatabase database = ClaimsDatabase.create(file, "s", Mode.BROADCAST)) {
            run(database, "warm:", 50_000);
            run(database, "warm:", 50_000);
            long[] won = run(database, "event:", CLAIMS);
            write(Path.of(out), won);
            report("won ", won);
            report("lost", run(database, "event:", CLAIMS));
        }
    }

    private static long[] run(ClaimStore database, String prefix, int count) throws Exception {
        long[] took = new long[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            database.claim(prefix + i, 1, ClaimStore.FOREVER);
            took[i] = System.nanoTime() - start;
        }
        return took;
    }

    /** Empty, then with a million live rows while another connection prunes what is old, as the agent does. */
    private static void million(Path file) throws Exception {
        long hour = 3_600_000;
        try (ClaimsDatabase database = ClaimsDatabase.create(file, "s", Mode.BROADCAST);
                ClaimsDatabase then = ClaimsDatabase.create(
                        file, "s", Mode.BROADCAST, () -> Instant.ofEpochMilli(System.currentTimeMillis() - hour))) {
            run(database, "warm:", 50_000);
            double empty = mean(run(database, "empty:", 100_000));
            run(database, "live:", 1_000_000);
            run(then, "old:", 300_000);
            AtomicBoolean stop = new AtomicBoolean();
            long[] worst = new long[1];
            Thread pruner = new Thread(() -> {
                try (ClaimsDatabase agent = ClaimsDatabase.create(file, "s", Mode.BROADCAST)) {
                    while (!stop.get()) {
                        long start = System.nanoTime();
                        agent.prune(hour / 2);
                        worst[0] = Math.max(worst[0], System.nanoTime() - start);
                        Thread.sleep(1);
                    }
                } catch (Exception e) {
                    e.printStackTrace();
                }
            });
            pruner.start();
            long[] full = run(database, "full:", 100_000);
            stop.set(true);
            pruner.join();
            Arrays.sort(full);
            System.out.printf(
                    "%.2f of empty (%.1f us, %.1f us); longest claim %.2f ms, longest prune of a batch %.2f ms%n",
                    mean(full) / empty, mean(full) / 1e3, empty / 1e3, full[full.length - 1] / 1e6, worst[0] / 1e6);
        }
    }

    private static double mean(long[] took) {
        return Arrays.stream(took).average().orElseThrow();
    }

    /** One of two processes that are offered the same events at the same instants, 1000 a second. */
    private static void collide(Path file, boolean yields, long start, Path out) throws Exception {
        long[] took = new long[EVENTS];
        int won = 0;
        try (ClaimsDatabase database = ClaimsDatabase.create(file, "s", Mode.BROADCAST);
                Plain plain = new Plain(file)) {
            for (int i = 0; i < EVENTS; i++) {
                long at = start + i * 1_000_000L;
                while (at - System.nanoTime() > 100_000) {
                    LockSupport.parkNanos(at - System.nanoTime() - 100_000);
                }
                while (System.nanoTime() < at) {
                    Thread.onSpinWait();
                }
                long asked = System.nanoTime(); // a machine that stands still for a while is not the claim's doing
                boolean mine = yields ? database.claim("event:" + i, 1, ClaimStore.FOREVER).attempt() > 0 : plain.claim("event:" + i);
                took[i] = System.nanoTime() - asked;
                won += mine ? 1 : 0;
            }
        }
        write(out, Arrays.copyOfRange(took, EVENTS / 5, EVENTS)); // the first seconds warm the JVM
        System.out.println(won);
    }

    /** The same statement with SQLite's own busy_timeout, which sleeps. */
    private static final class Plain implements AutoCloseable {
        private final Connection connection;
        private final PreparedStatement claim;

        Plain(Path file) throws Exception {
            connection = DriverManager.getConnection("jdbc:sqlite:" + file + "?jdbc.get_generated_keys=false&busy_timeout=2000");
            connection.createStatement().execute("PRAGMA synchronous = OFF");
            connection.createStatement().execute("PRAGMA busy_timeout = 2000");
            claim = connection.prepareStatement("INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)"
                    + " SELECT scope_id, ?1, 1, 1, ?2, 9223372036854775807 FROM scope WHERE scope_id = 1 AND min_generation <= 1"
                    + " ON CONFLICT(scope_id, event_id) DO UPDATE SET attempt = attempt + 1 WHERE claim.lease_until < excluded.claimed_at"
                    + " RETURNING attempt");
        }

        boolean claim(String id) throws Exception {
            claim.setString(1, id);
            claim.setLong(2, System.currentTimeMillis());
            try (ResultSet row = claim.executeQuery()) {
                return row.next();
            }
        }

        @Override
        public void close() throws Exception {
            connection.close();
        }
    }

    private static void report(String what, long[] took) {
        long sum = Arrays.stream(took).sum();
        Arrays.sort(took);
        System.out.printf(
                "%s %d k/s, p50 %.1f us, p99 %.1f us%n",
                what, took.length * 1_000_000L / sum, took[took.length / 2] / 1e3, took[took.length * 99 / 100] / 1e3);
    }

    private static void write(Path out, long[] took) throws IOException {
        Files.write(out, Arrays.stream(took).mapToObj(Long::toString).toList());
    }

    /** A histogram of each, one above the other: latency on a logarithmic axis from 1 us to 10 ms. */
    private static void svg(Path out, String[] series) throws IOException {
        Map<String, long[]> all = new LinkedHashMap<>();
        for (String one : series) {
            String[] parts = one.split("=", 2);
            all.put(parts[0], Files.readAllLines(Path.of(parts[1])).stream().mapToLong(Long::parseLong).sorted().toArray());
        }
        int width = 800;
        int height = 130;
        StringBuilder svg = new StringBuilder("<svg xmlns='http://www.w3.org/2000/svg' font-family='sans-serif' font-size='12' width='"
                + (width + 40) + "' height='" + (all.size() * height + 30) + "'><rect width='100%' height='100%' fill='white'/>");
        int row = 0;
        for (Map.Entry<String, long[]> one : all.entrySet()) {
            long[] took = one.getValue();
            int[] bins = new int[160];
            for (long nanos : took) {
                bins[(int) Math.max(0, Math.min(159, Math.log10(nanos / 1000.0) / 4 * 160))]++;
            }
            int most = Arrays.stream(bins).max().orElse(1);
            int base = (row + 1) * height;
            svg.append(String.format("<text x='20' y='%d'>%s: p50 %.0f us, p90 %.0f us, p99 %.0f us</text>", base - height + 20,
                    one.getKey(), took[took.length / 2] / 1e3, took[took.length * 90 / 100] / 1e3, took[took.length * 99 / 100] / 1e3));
            for (int i = 0; i < bins.length; i++) {
                int tall = bins[i] * (height - 50) / most;
                svg.append(String.format("<rect x='%d' y='%d' width='4' height='%d' fill='#2a6f97'/>", 20 + i * 5, base - tall, tall));
            }
            svg.append(String.format("<line x1='20' x2='820' y1='%d' y2='%d' stroke='#888'/>", base, base));
            row++;
        }
        String[] marks = {"1 us", "10 us", "100 us", "1 ms", "10 ms"};
        for (int i = 0; i < marks.length; i++) {
            svg.append(String.format("<text x='%d' y='%d' fill='#555'>%s</text>", 20 + i * 200 - (i == 4 ? 20 : 0), row * height + 18, marks[i]));
        }
        Files.writeString(out, svg.append("</svg>\n"));
    }
}
