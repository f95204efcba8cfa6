package dev.rollout.lib;

import dev.rollout.contract.Role;
import java.time.Duration;

/** A bot in a container: joins as its environment says, and prints what became of one claim. */
public final class Guest {
    private Guest() {}

    public static void main(String[] args) throws InterruptedException {
        System.out.println("java " + Runtime.version().feature());
        try (Rollout rollout = Rollout.join()) {
            rollout.ready();
            System.out.println(rollout.awaitRole(Role.ACTIVE, Duration.ofSeconds(5)) ? "ACTIVE" : rollout.role());
            Claim claim = rollout.claim("create:1");
            System.out.println(
                    claim instanceof Claim.Unavailable no
                            ? "UNAVAILABLE " + no.cause().getMessage()
                            : claim.getClass().getSimpleName());
        }
    }
}
