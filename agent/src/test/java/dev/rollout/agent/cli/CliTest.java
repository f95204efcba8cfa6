package dev.rollout.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is typed wrong is answered with exit code 2, what was wrong, and what there is. */
class CliTest {
    private record Ran(int exit, String out, String err) {}

    private static Ran run(String... args) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ByteArrayOutputStream complained = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
            int exit = Cli.run(args, Map.of("agent run", folders -> 99, "gateway run", folders -> 98));
            return new Ran(exit, said.toString(StandardCharsets.UTF_8), complained.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            statsu                         | there is no 'statsu'; did you mean 'status'?
            status --fromat json           | there is no option --fromat; did you mean --format?
            status --format xml            | --format xml: there are table, json
            undo                           | missing SERVICE
            undo a b                       | too much: 'b'
            lock web                       | missing --reason
            up --timeout                   | --timeout needs a value: DURATION
            up --timeout soon -f none.yaml | --timeout:
            up -f none.yaml                | none.yaml
            --frm x up                     | there is no '--frm'
            agent                          | rollout agent run|start|stop|status|upgrade
            completion fish                | 'fish' is not supported; bash or zsh
            """)
    void badUsage(String typed, String answer) {
        Ran ran = run(typed.split(" "));
        assertEquals(2, ran.exit(), ran.err());
        assertTrue(ran.err().contains(answer), ran.err());
    }

    static Stream<String> verbs() {
        return Cli.all().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("verbs")
    void everyVerbHasHelp(String verb) {
        Ran ran = run((verb + " --help").split(" "));
        assertEquals(0, ran.exit(), ran.err());
        assertTrue(ran.out().startsWith("usage: rollout " + verb + " "), ran.out());
    }

    @Test
    void theProjectsOptionsMayStandBeforeTheVerb() {
        Ran before = run("-f", "none.yaml", "--project-name=x", "config");
        Ran after = run("config", "-f", "none.yaml", "--project-name=x");
        assertEquals(after, before);
        assertTrue(before.err().contains("none.yaml"), before.err());
    }

    @Test
    void itIsADockerPluginAsWell() {
        assertTrue(run("docker-cli-plugin-metadata").out().contains("\"SchemaVersion\":\"0.1.0\""));
        assertEquals("rollout 0.1.0", run("rollout", "version").out().strip());
    }

    @Test
    void agentRunRunsTheAgent() {
        assertEquals(99, run("agent", "run").exit());
        assertEquals("rollout 0.1.0", run("--version").out().strip());
    }
}
