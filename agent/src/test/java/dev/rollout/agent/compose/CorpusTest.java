package dev.rollout.agent.compose;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.rollout.agent.model.ProjectSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every file of the corpus, read by us and by Docker Compose itself: field by field, also on what is refused. */
class CorpusTest {
    private static final Path CORPUS = Path.of("src/test/resources/corpus").toAbsolutePath();
    private static final Path ORACLE =
            Path.of("../.tools/docker-compose").toAbsolutePath().normalize();
    private static final ObjectMapper JSON = new ObjectMapper();

    private static List<Path> cases() throws IOException {
        try (Stream<Path> folders = Files.list(CORPUS)) {
            return folders.filter(Files::isDirectory).sorted().toList();
        }
    }

    @Test
    void theCorpusIsLargeEnough() throws IOException {
        assertTrue(cases().size() >= 60, "only " + cases().size());
        assertTrue(Files.isExecutable(ORACLE), "no Docker Compose to compare with; scripts/compose-plugin brings it");
    }

    private record Answer(int exit, String out, String err) {}

    private static Answer oracle(Path folder, String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of(ORACLE.toString()));
        command.addAll(arguments(folder));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        Path err = Files.createTempFile("oracle", "err");
        builder.redirectError(err.toFile());
        Process process = builder.start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exit = process.waitFor();
        String said = Files.readString(err);
        Files.delete(err);
        return new Answer(exit, out, said);
    }

    private static List<String> arguments(Path folder) throws IOException {
        Path args = folder.resolve("args");
        return Files.exists(args) ? List.of(Files.readString(args).strip().split(" ")) : List.of();
    }

    private static ProjectSpec ours(Path folder) throws IOException {
        List<String> profiles = new ArrayList<>();
        List<String> arguments = arguments(folder);
        for (int i = 0; i + 1 < arguments.size(); i++) {
            if (arguments.get(i).equals("--profile")) {
                profiles.add(arguments.get(i + 1));
            }
        }
        return ProjectLoader.load(
                new LoadRequest(folder, List.of(), List.of(), profiles, null, null, List.of(), System.getenv()));
    }

    @TestFactory
    Stream<DynamicTest> equalsDockerComposeConfig() throws IOException {
        return cases().stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                    Answer oracle = oracle(folder, "config", "--format", "json");
                    ProjectSpec project;
                    try {
                        project = ours(folder);
                    } catch (ComposeException e) {
                        assertTrue(oracle.exit() != 0, "we refuse what Compose takes: " + e.getMessage());
                        boolean placed = String.valueOf(e.getMessage()).matches("(?s)compose\\.ya?ml:\\d+: .*");
                        assertTrue(placed, "no FILE:LINE: " + e.getMessage());
                        return;
                    }
                    assertEquals(0, oracle.exit(), "Compose refuses what we take: " + oracle.err());
                    JsonNode theirs = JSON.readTree(oracle.out());
                    JsonNode mine = JSON.readTree(GoJson.print(ProjectLoader.printable(project.tree())));
                    assertEquals(flat(theirs), flat(mine));
                    assertEquals(theirs.toString(), mine.toString(), "the same, but in another order");
                }));
    }

    /** The hash decides whether Compose takes our container for its own. */
    @TestFactory
    Stream<DynamicTest> hasComposesHash() throws IOException {
        return cases().stream()
                .filter(folder -> !folder.getFileName().toString().startsWith("refused-"))
                .filter(folder -> !usesEnvFile(folder)) // config --hash covers env_file there, the label does not
                .filter(folder -> !folder.endsWith("blank-sections"))
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                    Map<String, String> theirs = new TreeMap<>();
                    oracle(folder, "config", "--hash", "*").out().lines().forEach(line -> {
                        String[] words = line.split(" ");
                        theirs.put(words[0], words[1]);
                    });
                    Map<String, String> mine = new TreeMap<>();
                    ours(folder).hashes().forEach((service, hashes) -> mine.put(service, hashes.getLast()));
                    assertEquals(theirs, mine);
                }));
    }

    private static boolean usesEnvFile(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(
                            f -> f.toString().endsWith(".yml") || f.toString().endsWith(".yaml"))
                    .anyMatch(f -> {
                        try {
                            return Files.readString(f).contains("env_file");
                        } catch (IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    });
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Map<String, String> flat(JsonNode node) {
        Map<String, String> flat = new TreeMap<>();
        flatten(node, "", flat);
        return flat;
    }

    private static void flatten(JsonNode node, String path, Map<String, String> flat) {
        if (node.isContainerNode() && !node.isEmpty()) {
            if (node.isObject()) {
                node.fields().forEachRemaining(field -> flatten(field.getValue(), path + "." + field.getKey(), flat));
            } else {
                for (int i = 0; i < node.size(); i++) {
                    flatten(node.get(i), path + "[" + i + "]", flat);
                }
            }
        } else {
            flat.put(path, node.toString());
        }
    }
}
