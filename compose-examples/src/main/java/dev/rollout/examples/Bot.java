package dev.rollout.examples;

import dev.rollout.lib.Inbox;
import dev.rollout.lib.Rollout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A bot on rollout-lib: connects to the gateway, and answers every event that it wins. */
public final class Bot {
    private static final long RECONNECT_MILLIS = 200;

    private Bot() {}

    public static void main(String[] args) throws InterruptedException {
        String host = System.getenv().getOrDefault("GATEWAY_HOST", "gateway");
        String name = System.getenv().getOrDefault("ROLLOUT_INSTANCE", "laptop");
        System.out.println("bot " + System.getenv().getOrDefault("VERSION", "?") + " is " + name);
        try (Rollout rollout = Rollout.join()) {
            rollout.onRole((from, to) -> System.out.println(from + " -> " + to));
            while (true) {
                try (Socket socket = new Socket(host, 7000);
                        BufferedReader in = new BufferedReader(
                                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
                        PrintWriter out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8)) {
                    out.println("HELLO " + name);
                    Inbox<Long> inbox = new Inbox<>(rollout, number -> out.println("ANSWER " + number));
                    rollout.ready();
                    for (String line = in.readLine(); line != null; line = in.readLine()) {
                        long number = Long.parseLong(line.substring("EVENT ".length()));
                        inbox.receive("event:" + number, number);
                    }
                } catch (IOException e) {
                    System.out.println("the gateway is away: " + e.getMessage());
                }
                rollout.notReady();
                Thread.sleep(RECONNECT_MILLIS);
            }
        }
    }
}
