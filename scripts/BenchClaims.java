import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Claims one after the other on one connection: won, then the same ids again, lost. */
public class BenchClaims {
    private static final int CLAIMS = 200_000;

    public static void main(String[] args) throws Exception {
        Path folder = Files.createDirectories(Path.of(args[0]));
        try (ClaimsDatabase database = ClaimsDatabase.create(folder.resolve(ClaimsDatabase.NAME), "s", Mode.BROADCAST)) {
            run(database, "warm:", 50_000);
            report("won ", run(database, "event:", CLAIMS));
            report("lost", run(database, "event:", CLAIMS));
        }
    }

    private static long[] run(ClaimsDatabase database, String prefix, int count) throws Exception {
        long[] took = new long[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            database.claim(prefix + i, 1, 1_000_000, ClaimsDatabase.FOREVER);
            took[i] = System.nanoTime() - start;
        }
        return took;
    }

    private static void report(String what, long[] took) {
        long sum = Arrays.stream(took).sum();
        Arrays.sort(took);
        System.out.printf(
                "%s %d k/s, p50 %.1f us, p99 %.1f us%n",
                what, took.length * 1_000_000L / sum, took[took.length / 2] / 1e3, took[took.length * 99 / 100] / 1e3);
    }
}
