package dev.rollout.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A small stand-in for a bot platform: it broadcasts numbered events to every connected session, as Discord does, and
 * records who answered what.
 *
 * <p>Lines in: {@code HELLO name}, {@code ANSWER number}, {@code START}, {@code STOP}, {@code BEHIND} (the sessions that
 * are there get every event 4 s late from now on), {@code REPORT}. Lines out: {@code EVENT number}, and the report.
 */
public final class EventGateway {
    private static final int PORT = 7000;
    private static final long INTERVAL_NANOS = 5_000_000; // 200 events a second

    private static final long BEHIND_MILLIS = 4000;

    private static final class Session {
        final PrintWriter out;
        volatile boolean behind;

        Session(PrintWriter out) {
            this.out = out;
        }
    }

    private final List<Session> sessions = new CopyOnWriteArrayList<>();
    private final ScheduledExecutorService late = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().factory());
    private final Map<Long, AtomicInteger> answers = new ConcurrentHashMap<>();
    private final Map<String, AtomicLong> byName = new ConcurrentHashMap<>();
    private final AtomicLong sent = new AtomicLong();
    private volatile boolean sending;

    private EventGateway() {}

    public static void main(String[] args) throws IOException {
        EventGateway gateway = new EventGateway();
        Thread clock = new Thread(gateway::broadcast, "broadcast");
        clock.setDaemon(true);
        clock.start();
        try (ServerSocket server = new ServerSocket(PORT)) {
            System.out.println("the gateway listens on " + PORT);
            while (true) {
                Socket socket = server.accept();
                Thread session = new Thread(() -> gateway.serve(socket), "session");
                session.setDaemon(true);
                session.start();
            }
        }
    }

    private void broadcast() {
        long next = System.nanoTime();
        while (true) {
            next += INTERVAL_NANOS;
            LockSupport.parkNanos(next - System.nanoTime());
            if (sending && !sessions.isEmpty()) {
                long number = sent.incrementAndGet();
                answers.put(number, new AtomicInteger());
                for (Session session : sessions) {
                    if (session.behind) {
                        late.schedule(() -> send(session, number), BEHIND_MILLIS, TimeUnit.MILLISECONDS);
                    } else {
                        send(session, number);
                    }
                }
            }
        }
    }

    private static void send(Session session, long number) {
        synchronized (session) {
            session.out.println("EVENT " + number);
        }
    }

    private void serve(Socket socket) {
        String name = "?";
        try (socket;
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
                PrintWriter out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8)) {
            Session session = new Session(out);
            try {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    String[] words = line.split(" ", 2);
                    switch (words[0]) {
                        case "HELLO" -> {
                            name = words[1];
                            sessions.add(session);
                            System.out.println(name + " is connected, " + sessions.size() + " session(s)");
                        }
                        case "ANSWER" -> answered(Long.parseLong(words[1]), name);
                        case "START" -> sending = true;
                        case "STOP" -> sending = false;
                        case "BEHIND" -> sessions.forEach(each -> each.behind = true);
                        case "REPORT" -> out.println(report());
                        default -> out.println("what is " + line + "?");
                    }
                }
            } finally {
                sessions.remove(session);
            }
        } catch (IOException e) {
            System.out.println(name + " is gone: " + e.getMessage());
        }
    }

    private void answered(long number, String name) {
        AtomicInteger count = answers.get(number);
        if (count != null) {
            count.incrementAndGet();
            if (byName.computeIfAbsent(name, key -> new AtomicLong()).incrementAndGet() == 1) {
                System.out.println(name + " answers since " + System.currentTimeMillis());
            }
        }
    }

    private String report() {
        long unanswered =
                answers.values().stream().filter(count -> count.get() == 0).count();
        long twice = answers.values().stream().filter(count -> count.get() > 1).count();
        return "events=" + sent.get() + " unanswered=" + unanswered + " twice=" + twice + " by="
                + new TreeMap<>(byName);
    }
}
