package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Linux tells of a process in {@code /proc/PID/stat}.
 *
 * @param state one letter; {@code Z} for one that is dead, and whose parent has not taken note of it
 * @param session the process that leads its session
 * @param threads that have not ended; one for a dead process
 * @param started in ticks since the host was
 */
record ProcessStat(String state, long session, long threads, long started) {
    /** @throws IOException where there is no such process, or no /proc */
    static ProcessStat of(String pid) throws IOException {
        return parse(Files.readString(Path.of("/proc", pid, "stat")));
    }

    static ProcessStat parse(String stat) {
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new ProcessStat(
                afterName[0],
                Long.parseLong(afterName[3]),
                Long.parseLong(afterName[17]),
                Long.parseLong(afterName[19]));
    }

    /** Its first thread may be gone while others are not, and its files are open and locked until the last one is. */
    boolean lives() {
        return !state.equals("Z") || threads > 1;
    }
}
