package dev.rollout.contract;

/**
 * Which versions of SQLite may share a write-ahead log between processes: 3.7.0 to 3.51.2 can corrupt one that two
 * processes write and checkpoint in the same instant (fixed in 3.51.3).
 */
final class SqliteVersion {
    private static final int[] FIXED = {3, 51, 3};

    private SqliteVersion() {}

    /** True where the version has the fix; a text that is no version has not. */
    static boolean sharesWal(String version) {
        String[] parts = version.split("\\.", -1);
        try {
            for (int i = 0; i < FIXED.length; i++) {
                int number = Integer.parseInt(parts[i]);
                if (number != FIXED[i]) {
                    return number > FIXED[i];
                }
            }
            return true;
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return false;
        }
    }
}
