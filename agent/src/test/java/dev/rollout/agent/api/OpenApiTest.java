package dev.rollout.agent.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** The document tells every route, and no other. */
class OpenApiTest {
    @Test
    @SuppressWarnings({"unchecked", "NullAway"}) // the routes are looked at, not asked
    void theDocumentIsTheRoutes() {
        Map<String, Map<String, Map<String, Object>>> document =
                new Yaml().load(Api.class.getResourceAsStream("/openapi.yaml"));
        TreeSet<String> told = new TreeSet<>();
        document.get("paths")
                .forEach((path, methods) -> methods.keySet()
                        .forEach(method -> told.add(method.toUpperCase(java.util.Locale.ROOT) + " "
                                + path.replaceAll("\\{(\\w+)}", ":$1"))));
        assertEquals(new TreeSet<>(new Api(null, null, null).routes().keySet()), told);
    }

    @Test
    void theSameKeyDoesNothingTwice() {
        Repeats<Integer> repeats = new Repeats<>();
        AtomicInteger done = new AtomicInteger();
        assertEquals(1, repeats.once("a", done::incrementAndGet));
        assertEquals(1, repeats.once("a", done::incrementAndGet));
        assertEquals(2, repeats.once("b", done::incrementAndGet));
        Map<String, String> failing = new LinkedHashMap<>();
        Assertions.assertThrows(
                IllegalStateException.class,
                () -> repeats.once("c", () -> {
                    failing.put("c", "asked");
                    throw new IllegalStateException("no");
                }));
        assertEquals(3, repeats.once("c", done::incrementAndGet), "what failed may be tried again");
    }
}
