package dev.rollout.agent.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFileTest {
    @TempDir
    Path folder;

    /** By a process that has the file open all the time. */
    @Test
    void whatIsPutAsideIsKeptAndWhatFollowsBeginsAnew() throws Exception {
        Path file = folder.resolve("agent.log");
        LogFile log = new LogFile(file, 20);
        log.keepSmall(); // of what is not there nothing is made
        assertFalse(Files.exists(file));
        Process process = new ProcessBuilder("cat")
                .redirectOutput(ProcessBuilder.Redirect.appendTo(file.toFile()))
                .start();
        try (Writer says = process.outputWriter()) {
            say(says, file, "a line that is long enough");
            log.keepSmall();
            say(says, file, "short");
            log.keepSmall();
            say(says, file, "another line that is long");
            assertEquals(List.of("short", "another line that is long"), Files.readAllLines(file));
            log.keepSmall();
            say(says, file, "last");
        }
        assertEquals(0, process.waitFor());
        assertEquals(List.of("last"), Files.readAllLines(file));
        assertEquals(List.of("short", "another line that is long"), Files.readAllLines(folder.resolve("agent.log.1")));
    }

    private static void say(Writer says, Path file, String line) throws Exception {
        says.write(line + "\n");
        says.flush();
        for (int i = 0; i < 500 && !Files.readString(file).endsWith(line + "\n"); i++) {
            Thread.sleep(10);
        }
        assertTrue(Files.readString(file).endsWith(line + "\n"));
    }
}
