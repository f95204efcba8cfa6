package dev.rollout.agent.engine.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The kernel's figure beside the Engine's own. */
class ContainerMemoryIT {
    private static final int MIB = 1 << 20;

    private static String docker(String... words) throws Exception {
        String[] command = new String[words.length + 1];
        command[0] = "docker";
        System.arraycopy(words, 0, command, 1, words.length);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), out);
        return out.strip();
    }

    @Test
    void saysWhatTheEngineSaysWithoutItsSecond() throws Exception {
        String id = docker(
                "run",
                "-d",
                "--network",
                "none",
                "--shm-size",
                "64m",
                "rollout-examples/busybox:1",
                "sh",
                "-c",
                "dd if=/dev/zero of=/dev/shm/a bs=1M count=40 && touch /tmp/full && exec sleep 100");
        try {
            docker("exec", id, "sh", "-c", "while [ ! -f /tmp/full ]; do sleep 0.1; done");
            long pid = Long.parseLong(docker("inspect", "-f", "{{.State.Pid}}", id));

            OptionalLong used = ContainerMemory.used(id, pid);

            assertTrue(used.isPresent(), "the kernel does not say");
            String engine = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", id); // 40.6MiB / 23.4GiB
            double engines = Double.parseDouble(engine.substring(0, engine.indexOf("MiB"))) * MIB;
            assertEquals(engines, used.getAsLong(), 4 * MIB, engine);
            assertTrue(used.getAsLong() >= 40 * MIB, engine);
        } finally {
            docker("rm", "-f", id);
        }
    }

    @Test
    void saysNothingOfAProcessThatIsNotTheContainers() {
        String id = "0".repeat(64);
        assertTrue(ContainerMemory.used(id, ProcessHandle.current().pid()).isEmpty());
        assertTrue(ContainerMemory.used(id, Integer.MAX_VALUE).isEmpty());
    }
}
