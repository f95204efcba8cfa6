package dev.rollout.agent.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessStatTest {
    /** As Linux has shown them. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            3880 (sleep) S 3878 3746 29594 0 -1 4227084 95 0 0 0 0 0 0 0 20 0 1 0 1931400 2 3 | true
            3880 (a) b) S 3878 3746 29594 0 -1 4227084 95 0 0 0 0 0 0 0 20 0 9 0 1931400 2 3  | true
            3880 (sleep) Z 3878 3746 29594 0 -1 4227084 95 0 0 0 0 0 0 0 20 0 1 0 1931400 0 0 | false
            3880 (java) Z 3878 3746 29594 0 -1 4227084 95 0 0 0 0 0 0 0 20 0 2 0 1931400 0 0  | true
            """)
    void aProcessLivesUntilItsLastThreadHasEnded(String stat, boolean lives) {
        ProcessStat read = ProcessStat.parse(stat);
        assertEquals(lives, read.lives());
        assertEquals(29594, read.session());
        assertEquals(1931400, read.started());
    }
}
