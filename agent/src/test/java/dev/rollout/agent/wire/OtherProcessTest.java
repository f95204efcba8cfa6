package dev.rollout.agent.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class OtherProcessTest {
    @Test
    void aDeadOneHasEndedThoughItsParentTakesNoNote() throws Exception {
        Process parent = new ProcessBuilder("sh", "-c", "sleep 60 & echo $!; exec sleep 60").start();
        try {
            ProcessHandle child = ProcessHandle.of(
                            Long.parseLong(parent.inputReader().readLine()))
                    .orElseThrow();
            Thread waiting = Thread.ofVirtual().start(() -> {
                try {
                    OtherProcess.awaitEnd(child);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            assertEquals(false, waiting.join(Duration.ofMillis(200)), "it lives");
            assertEquals(false, OtherProcess.endsWithin(child.pid(), 50), "it lives");
            child.destroyForcibly();
            assertTimeoutPreemptively(Duration.ofSeconds(10), () -> waiting.join());
            assertTrue(OtherProcess.endsWithin(child.pid(), 0));
            assertTrue(child.isAlive(), "to the JDK, which is why it is looked at otherwise");
        } finally {
            parent.destroyForcibly();
        }
    }
}
