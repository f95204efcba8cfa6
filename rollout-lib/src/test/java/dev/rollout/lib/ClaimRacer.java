package dev.rollout.lib;

import dev.rollout.contract.ClaimStore;
import dev.rollout.contract.ClaimsDatabase;
import dev.rollout.contract.Mode;
import dev.rollout.contract.Token;
import dev.rollout.store.Stores;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** A process of its own on a store: what it says is what the store told it. An error is an error, never "lost". */
public final class ClaimRacer {
    private ClaimRacer() {}

    /** @param address a file's path, or {@code URL scope host} */
    static ClaimStore open(String address) throws SQLException {
        String[] words = address.split(" ");
        return words.length == 1
                ? ClaimsDatabase.create(Path.of(address), "service", Mode.BROADCAST)
                : Stores.open(words[0], words[1], words[2]);
    }

    /**
     * {@code ADDRESS race IDS}: claims every id with two threads, and prints those won. {@code ADDRESS hold ID}. {@code
     * FILE freeze ID}: claims it, and stays inside the write lock.
     */
    public static void main(String[] args) throws Exception {
        if (args[1].equals("hold")) {
            hold(args[0], args[2]);
            return;
        } else if (args[1].equals("freeze")) {
            freeze(args[0], args[2]);
            return;
        }
        int ids = Integer.parseInt(args[2]);
        StringBuffer won = new StringBuffer();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
            Thread thread = new Thread(() -> {
                try (ClaimStore store = open(args[0])) {
                    for (int i = 0; i < ids; i++) {
                        if (store.claim("event:" + i, 2, ClaimStore.FOREVER).attempt() > 0) {
                            won.append("event:").append(i).append('\n');
                        }
                    }
                } catch (SQLException e) {
                    e.printStackTrace();
                    Runtime.getRuntime().halt(3);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.print(won);
    }

    private static void freeze(String file, String id) throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            statement.execute("INSERT INTO claim VALUES(1, '" + id + "', 2, 1, 0, " + ClaimStore.FOREVER + ")");
            System.out.println("inside");
            System.in.read(); // it is stopped here, and killed or told to go on
            statement.execute("COMMIT");
            System.out.println("committed");
        }
    }

    private static void hold(String address, String id) throws SQLException, InterruptedException {
        try (ClaimStore store = open(address)) {
            ClaimStore.Answer answer = store.claim(id, 2, 500);
            System.out.println(answer.attempt() == 1 ? "held" : "not held: " + answer);
            Token token = new Token(id, 2, answer.attempt());
            for (int i = 0; i < 200; i++) {
                Thread.sleep(50); // somewhere here it is stopped for longer than its lease
                if (!store.renew(token, 500)) {
                    System.out.println(store.complete(token) ? "done twice" : "stale");
                    return;
                }
            }
            System.out.println("never stopped");
        }
    }
}
