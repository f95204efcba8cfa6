package dev.rollout.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The fences of ARCHITECTURE.md, a line each, and a few rules that keep the files small and honest. */
class ArchitectureTest {
    private static final String BASE = "dev.rollout.agent.";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.rollout.agent");

    private static void onlyIn(String dependency, String... packages) {
        ArchRule rule = noClasses()
                .that(resideOutside(packages))
                .should()
                .dependOnClassesThat()
                .resideInAPackage(dependency);
        rule.check(CLASSES);
    }

    private static DescribedPredicate<JavaClass> resideOutside(String... packages) {
        return DescribedPredicate.describe(
                "outside of " + String.join(", ", packages),
                type -> Stream.of(packages)
                        .noneMatch(p -> type.getPackageName().equals(BASE + p)
                                || type.getPackageName().startsWith(BASE + p + ".")));
    }

    private static void imports(String from, String... allowed) {
        ArchRule rule = noClasses()
                .that()
                .resideInAPackage(BASE + from)
                .should()
                .dependOnClassesThat(DescribedPredicate.describe("other packages of ours", type -> {
                    String name = type.getPackageName();
                    return name.startsWith("dev.rollout.agent")
                            && !name.equals(BASE + from)
                            && Stream.of(allowed).noneMatch(a -> name.equals(BASE + a));
                }));
        rule.check(CLASSES);
    }

    @Test
    void theRulesSeeTheClasses() {
        assertTrue(CLASSES.size() > 100, "only " + CLASSES.size() + " classes were seen");
        for (String name :
                List.of("model", "rollout", "rollout.machine", "engine.docker", "compose", "api", "gateway", "cli")) {
            assertTrue(CLASSES.stream().anyMatch(type -> type.getPackageName().equals(BASE + name)), name);
        }
    }

    @Test
    void noPackageCycles() {
        slices().matching("dev.rollout.agent.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void fences() {
        onlyIn("com.github.dockerjava..", "engine");
        onlyIn("java.sql..", "store", "role");
        onlyIn("io.vertx..", "api", "gateway");
        onlyIn("io.netty..", "api", "gateway");
        onlyIn("org.yaml.snakeyaml..", "compose", "cli");
        onlyIn("io.github.resilience4j..", "engine");
        onlyIn("org.apache.commons.cli..", "cli");
    }

    @Test
    void everythingPointsAtRollout() {
        imports("model");
        imports("time");
        imports("json");
        imports("rollout.machine", "model");
        imports("rollout.plan", "model");
        imports("rollout", "rollout.machine", "rollout.plan", "model", "time");
        imports("engine.docker", "rollout", "model", "wire");
        imports("compose", "model");
        imports("probe", "rollout", "model", "time");
        imports("role", "rollout", "model");
        imports("store", "rollout", "rollout.machine", "model", "json");
        imports("api", "rollout", "rollout.plan", "rollout.machine", "model", "json");
        imports("wire", "json");
        imports("gateway", "rollout", "model", "json", "wire");
        imports("cli", "compose", "model", "json", "wire");
    }

    @Test
    void thePureCoreReadsNoClock() {
        noClasses()
                .that()
                .resideInAnyPackage(BASE + "rollout..", BASE + "model")
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(Instant.class, "now")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .check(CLASSES);
    }

    @Test
    void onlyTheCommandLineEndsTheProcessOrPrints() {
        noClasses()
                .that(resideOutside("cli"))
                .and()
                .doNotHaveFullyQualifiedName("dev.rollout.agent.Main")
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .accessField(System.class, "out")
                .check(CLASSES);
    }

    /** Small files, no catch-all names, every package says what it is for. */
    @Test
    void tidy() throws IOException {
        Pattern banned = Pattern.compile(".*(Manager|Helper|Utils?|Impl|Data|Info)\\.java");
        try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                assertTrue(!banned.matcher(file.toString()).matches(), "a name that says nothing: " + file);
                long lines = Files.readString(file).lines().count();
                assertTrue(lines <= 500, file + " has " + lines + " lines");
                assertTrue(Files.exists(file.resolveSibling("package-info.java")), "no package-info beside " + file);
            }
        }
        try (Stream<Path> tests = Files.walk(Path.of("src/test/java/dev/rollout/agent/rollout"))) {
            List<Path> sleepy = tests.filter(f -> f.toString().endsWith(".java"))
                    .filter(f -> text(f).contains("Thread.sleep"))
                    .toList();
            assertEquals(List.of(), sleepy, "a unit test sleeps");
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
