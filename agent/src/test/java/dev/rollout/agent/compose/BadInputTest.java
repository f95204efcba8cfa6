package dev.rollout.agent.compose;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.model.ProjectSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nonsense and malice: a place, a sentence, at once. */
class BadInputTest {
    @TempDir
    Path folder = Path.of("");

    private ProjectSpec load(String text) throws IOException {
        Files.writeString(folder.resolve("compose.yaml"), text);
        return load();
    }

    private ProjectSpec load() {
        return ProjectLoader.load(
                new LoadRequest(folder, List.of(), List.of(), List.of(), "p", null, List.of(), Map.of()));
    }

    private String refusal(String text) {
        return assertTimeoutPreemptively(
                Duration.ofSeconds(5),
                () -> String.valueOf(
                        assertThrows(ComposeException.class, () -> load(text)).getMessage()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            x-rollout: {readines: {}}                                  | did you mean 'readiness'
            x-rollout: {readiness: {http: {port: 80}}}                 | needs a path
            x-rollout: {readiness: {http: {path: /, port: 80, unix: /s}}} | either a port or a unix socket
            x-rollout: {readiness: {http: {path: /, port: 80}, tcp: {port: 1}}} | more than one of
            x-rollout: {readiness: {tcp: {port: 99999}}}               | is no port
            x-rollout: {readiness: {role: false}}                      | can only be true
            x-rollout: {readiness: {interval: often}}                  | is no duration
            x-rollout: {readiness: {successes: 0}}                     | at least 1
            x-rollout: {handover: {mode: both}}                        | one of broadcast, exclusive, competing
            x-rollout: {drain: {timeout: -3s}}                         | is negative
            x-rollout: {keep_previous: 2}                              | is 0 or 1
            x-rollout: {memory_check: maybe}                           | one of refuse, warn, off
            volumes: [{type: bind, source: /x}]                        | volumes[0] needs a target
            devices: [{source: /dev/x}]                                | devices[0] needs a target
            healthcheck: {test: [curl, localhost]}                     | begins with CMD, CMD-SHELL or NONE
            volumes: [{type: bind, source: /x, target: /x, bind: {recursive: deeply}}] | one of enabled, disabled
            ports: ["eighty:80"]                                       | is no port
            ports: ["80-82:80-81"]                                     | different lengths
            ports: [{target: 80, published: eighty}]                   | is no port
            ports: [{target: 80, published: 99999}]                    | is no port
            x-rollout: {ports: {"81": {hold: 5s}}}                     | names 81, which the service does not publish
            volumes: ["a:b:c:d"]                                       | is no volume
            pull_policy: every_99999999999999999999d                   | one of always
            secrets: [~]                                               | needs a source
            configs: [{target: /c}]                                    | needs a source
            pull_policy: every_now                                     | one of always
            mem_limit: lots                                            | is no size
            restrat: always                                            | did you mean 'restart'
            privileged: perhaps                                        | true or false
            """)
    void saysWhereAndWhat(String line, String sentence) {
        String message = refusal("services:\n  a:\n    image: x\n    " + line + "\n");
        assertTrue(message.startsWith("compose.yaml:4: "), message);
        assertTrue(message.contains(sentence), message);
    }

    @Test
    void whoAClientIsIsToldOnPlainConnections() {
        String message = refusal("services:\n  a:\n    image: x\n    ports: [\"81:81\"]\n"
                + "    x-rollout: {ports: {\"81\": {proxy_protocol: v1}}}\n");
        assertTrue(message.startsWith("compose.yaml:5: "), message);
        assertTrue(message.contains("in X-Forwarded-For"), message);
    }

    @Test
    void notYaml() {
        assertTrue(refusal("services: {a: [}\n").startsWith("compose.yaml:1: not YAML"));
        assertTrue(refusal("a: b\n\tc: d\n").startsWith("compose.yaml:2: not YAML"));
    }

    @Test
    void aBillionLaughs() {
        StringBuilder text = new StringBuilder("x-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for (int i = 1; i < 10; i++) {
            text.append("x-" + i + ": &a" + i + " [" + ("*a" + (i - 1) + ", ").repeat(8) + "*a" + (i - 1) + "]\n");
        }
        assertTrue(refusal(text + "services: {a: {image: x}}\n").contains("hostile"));
    }

    @Test
    void deepNesting() {
        assertTrue(refusal("services: " + "[".repeat(5000) + "]".repeat(5000)).startsWith("compose.yaml:1"));
    }

    @Test
    void aHundredMegabytes() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("compose.yaml").toFile(), "rw")) {
            file.setLength(100 << 20);
        }
        String message = assertTimeoutPreemptively(
                Duration.ofSeconds(1),
                () -> String.valueOf(
                        assertThrows(ComposeException.class, this::load).getMessage()));
        assertTrue(message.contains("has 104857600 bytes"), message);
    }

    @Test
    void includeAndExtendsCycles() throws IOException {
        Files.writeString(folder.resolve("b.yaml"), "include: [compose.yaml]\nservices: {b: {image: x}}\n");
        assertTrue(refusal("include: [b.yaml]\nservices: {a: {image: x}}\n").contains("include cycle"));
        assertTrue(refusal("services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: a}\n")
                .contains("extends itself"));
    }

    @Test
    void anAliasThatContainsItself() {
        assertTrue(refusal("x-a: &a [*a]\nservices: {a: {image: x}}\n").startsWith("compose.yaml:1"));
    }

    @Test
    void whatWouldBeIgnoredIsRefusedWithItsPlace() throws IOException {
        ProjectSpec project =
                load("services:\n  a:\n    image: x\n    deploy:\n      placement: {constraints: [a==b]}\n");
        assertEquals(1, project.refusals().getOrDefault("a", List.of()).size());
        assertTrue(project.refusals().toString().contains("compose.yaml:5: services.a.deploy.placement"));
    }

    @Test
    void rolloutDefaultsOfTheProjectAreOverriddenByTheService() throws IOException {
        ProjectSpec project = load("x-rollout: {readiness: {tcp: {port: 1}, interval: 1s}, drain: {timeout: 5s}}\n"
                + "services:\n  a: {image: x, x-rollout: {readiness: {http: {path: /, port: 2}}}}\n");
        assertEquals(
                "{readiness={interval=1s, http={path=/, port=2}}, drain={timeout=5s}}",
                String.valueOf(project.rollout().get("a")));
    }

    @Test
    void durationsAndNumbersPrintAsInGo() {
        Mark mark = new Mark("f", 1);
        assertEquals("1h0m0s", GoDurations.print(GoDurations.parse("1h", mark, "")));
        assertEquals("1.5s", GoDurations.print(GoDurations.parse("1500ms", mark, "")));
        assertEquals("100ms", GoDurations.print(GoDurations.parse("0.1s", mark, "")));
        assertEquals("1e+21", GoNumbers.print(1e21));
        assertEquals("1e-05", GoNumbers.print(0.00001));
        assertEquals("0.5", GoNumbers.print(0.5));
        assertEquals("100000", GoNumbers.print(1e5));
    }
}
