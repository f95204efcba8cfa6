package dev.rollout.agent.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A program of the host's administrator. */
final class Tool {
    private Tool() {}

    /**
     * Runs it to its end, and returns what it prints.
     *
     * @param input what it reads
     * @throws IOException where it refuses, with its words, or is not there
     */
    static String run(List<String> command, String input) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            // it has ended before, and says why
        }
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(out.strip());
            }
            return out;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** What it prints; nothing where it refuses, or is not there. */
    static Stream<String> lines(String... command) {
        try {
            return run(List.of(command), "").lines();
        } catch (IOException e) {
            return Stream.of();
        }
    }

    /**
     * Has nft make these changes, all of them or none.
     *
     * @throws IOException where it refuses, or is not there
     */
    static void changeNft(String changes) throws IOException {
        run(List.of("nft", "-f", "-"), changes);
    }

    /** The handle of the first table of that name, of whichever family; empty where there is none, or no tool to tell. */
    static String nftTable(String name) {
        for (JsonNode each : nft("tables")) {
            if (each.path("table").path("name").asText().equals(name)) {
                return each.path("table").path("handle").asText();
            }
        }
        return "";
    }

    /** What nft lists, by its tool's JSON; nothing where there is none. */
    static Iterable<JsonNode> nft(String what, String... which) {
        List<String> command = new ArrayList<>(List.of("nft", "--json", "--terse", "list", what));
        command.addAll(List.of(which));
        try {
            return Json.MAPPER.readTree(run(command, "")).path("nftables");
        } catch (IOException e) {
            return List.of();
        }
    }
}
