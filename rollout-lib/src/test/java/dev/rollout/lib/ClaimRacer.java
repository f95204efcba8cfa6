package dev.rollout.lib;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A process that claims every id with two threads, and prints those that it won. An error is an error, never "lost". */
public final class ClaimRacer {
    private ClaimRacer() {}

    public static void main(String[] args) throws InterruptedException {
        int ids = Integer.parseInt(args[2]);
        Membership member = new Membership("p", "service", args[1], 1, Path.of(args[0]), false);
        StringBuffer won = new StringBuffer();
        List<Thread> threads = new ArrayList<>();
        try (Rollout rollout = Rollout.join(member)) {
            for (int t = 0; t < 2; t++) {
                Thread thread = new Thread(() -> {
                    for (int i = 0; i < ids; i++) {
                        Claim claim = rollout.claim("event:" + i);
                        if (claim instanceof Claim.Claimed) {
                            won.append("event:").append(i).append('\n');
                        } else if (claim instanceof Claim.Unavailable unavailable) {
                            unavailable.cause().printStackTrace();
                            Runtime.getRuntime().halt(3);
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
        System.out.print(won);
    }
}
