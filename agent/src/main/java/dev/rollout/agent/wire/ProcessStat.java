package dev.rollout.agent.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Linux tells of a process in {@code /proc/PID/stat}.
 *
 * @param state one letter; {@code Z} for one that is dead, and whose parent has not taken note of it
 * @param session the process that leads its session
 * @param started in ticks since the host was
 */
record ProcessStat(String state, long session, long started) {
    /** @throws IOException where there is no such process, or no /proc */
    static ProcessStat of(String pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", pid, "stat"));
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new ProcessStat(afterName[0], Long.parseLong(afterName[3]), Long.parseLong(afterName[19]));
    }

    boolean lives() {
        return !state.equals("Z");
    }
}
