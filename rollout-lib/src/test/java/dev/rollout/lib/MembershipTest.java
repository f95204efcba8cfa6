package dev.rollout.lib;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class MembershipTest {
    @Test
    void aLaptopHasNone() {
        assertTrue(Membership.from(Map.of()).isEmpty());
    }

    @Test
    void theEnvironmentTellsAll() {
        Membership member = Membership.from(Map.of(
                        "ROLLOUT_PROJECT",
                        "p",
                        "ROLLOUT_SERVICE",
                        "bot",
                        "ROLLOUT_INSTANCE",
                        "bot-g4-1",
                        "ROLLOUT_GENERATION",
                        "4",
                        "ROLLOUT_DIR",
                        "/x",
                        "ROLLOUT_STANDBY_SINCE",
                        "1"))
                .orElseThrow();
        assertEquals("bot-g4-1", member.instance());
        assertEquals(4, member.generation());
        assertEquals(1, member.standbySince());
    }

    @Test
    void halfAnEnvironmentIsAnError() {
        assertThrows(IllegalArgumentException.class, () -> Membership.from(Map.of("ROLLOUT_INSTANCE", "x")));
    }
}
