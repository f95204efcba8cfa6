package dev.rollout.sidecar;

import dev.rollout.check.CheckResult;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Takes reports in that come without HTTP: lines on a unix socket, files in a folder, answers of the app's own ports. */
final class Reports {
    private static final long LOOK_MILLIS = 100;
    private static final long PROBE_MILLIS = 1000;
    private static final int MOST_BYTES = 1024;

    private final Components components;

    Reports(Components components) {
        this.components = components;
    }

    /** {@code declare NAME…}, {@code NAME ready [TTL]}, {@code NAME down [REASON]}: each line is answered by a line. */
    void socket(Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel server =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
        HttpServer.start("reports", () -> {
            while (true) {
                try {
                    SocketChannel channel = server.accept();
                    HttpServer.start("report", () -> lines(channel));
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    private void lines(SocketChannel channel) {
        try (channel;
                BufferedReader in = new BufferedReader(
                        new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8), MOST_BYTES)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                channel.write(ByteBuffer.wrap((take(line) + "\n").getBytes(StandardCharsets.UTF_8)));
            }
        } catch (IOException e) {
            // the app is gone: what it said last holds
        }
    }

    String take(String line) {
        String[] words = line.strip().split("\\s+", 2);
        try {
            if (words[0].equals("declare") && words.length > 1) {
                for (String name : words[1].split("\\s+")) {
                    components.declare(name);
                }
            } else {
                components.report(words[0], words.length > 1 ? words[1] : "", "line");
            }
            return "ok";
        } catch (IllegalArgumentException e) {
            return "error: " + e.getMessage();
        }
    }

    /** One file a component, named as it is, with the report in it; a file that is gone is a component that is down. */
    void files(Path folder) {
        HttpServer.start("files", () -> {
            Map<String, String> seen = new HashMap<>();
            while (true) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                    Set<String> there = new HashSet<>();
                    for (Path file : files) {
                        String name = file.getFileName().toString();
                        if (!name.startsWith(".") && Files.size(file) <= MOST_BYTES) {
                            there.add(name);
                            String report = Files.readString(file);
                            if (!report.equals(seen.put(name, report))) {
                                file(name, report);
                            }
                        }
                    }
                    for (String gone : seen.keySet().stream()
                            .filter(name -> !there.contains(name))
                            .toList()) {
                        seen.remove(gone);
                        file(gone, "down its file is gone");
                    }
                } catch (IOException e) {
                    // no folder, or a file that is just being written: the next look tells
                }
                pause(LOOK_MILLIS);
            }
        });
    }

    private void file(String name, String report) {
        try {
            components.report(name, report, "file");
        } catch (IllegalArgumentException e) {
            System.err.println("sidecar: " + name + ": " + e.getMessage());
        }
    }

    /** Asks one of the app's own ports, every second, until the process ends. */
    void probe(String name, String url) {
        components.declare(name);
        HttpServer.start("probe", () -> {
            while (true) {
                CheckResult result = Check.parse(url).get();
                components.report(name, result.passed() ? "ready" : "down " + result.detail(), "probe " + url);
                pause(PROBE_MILLIS);
            }
        });
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
