package dev.rollout.agent.compose;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.rollout.agent.model.ProjectSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code docker compose --profile p config --hash '*'} has printed of this file: CorpusTest asks the older one only. */
class ConfigHashTest {
    private static final String FILE = """
            name: hashes
            services:
              plain: {image: x, command: [a, b]}
              waits: {image: x, depends_on: [plain], profiles: [p]}
              files: {image: x, configs: [{source: c, target: /c, mode: 0440}], secrets: [s, {source: t, mode: 0400}]}
              nets: {image: x, networks: {one: {priority: 10, aliases: [q], ipv4_address: 10.9.8.7}, two: }}
            configs: {c: {content: hi}}
            secrets: {s: {environment: HOME}, t: {environment: HOME}}
            networks: {one: {}, two: {}}
            """;

    /** Of 2.40.3 (Debian's package), and of 2.37.1 (Ubuntu's). */
    private static final Map<String, String> NEW = Map.of(
            "files", "6b9ca9df94f5c03940aa4650a30585dc4fbecc961086f580ea3467d1a6af2883",
            "nets", "a81ab9d965c86dff9c2789b6c6219d4548e8260890994c6737177ab12c433bf6",
            "plain", "09e9be76db20c0f09cdad1b049d2becba06e8b85c4638a7e7eed16fa15b2f252",
            "waits", "d5457d0b2799957b606d2ac4ed52d85a1e75799490e56229948300b9a59e8953");

    /** Of 2.33.0 (Ubuntu's package). */
    private static final Map<String, String> BETWEEN = Map.of(
            "files", "371268261569a4b44437c0595d3ffcb1559000d374ba5e4a5ec7ba239ae104f3",
            "nets", "718f3ebf99f2939691f3bc3886b8a0f2305bcd103e988c9c37cce7ac1e11bc80",
            "plain", "09e9be76db20c0f09cdad1b049d2becba06e8b85c4638a7e7eed16fa15b2f252",
            "waits", "d5457d0b2799957b606d2ac4ed52d85a1e75799490e56229948300b9a59e8953");

    /** Of 2.26.1 (Debian's package). */
    private static final Map<String, String> OLD = Map.of(
            "files", "371268261569a4b44437c0595d3ffcb1559000d374ba5e4a5ec7ba239ae104f3",
            "nets", "718f3ebf99f2939691f3bc3886b8a0f2305bcd103e988c9c37cce7ac1e11bc80",
            "plain", "09e9be76db20c0f09cdad1b049d2becba06e8b85c4638a7e7eed16fa15b2f252",
            "waits", "72c0cfe58da81f34be2ba8feb457c60b8c46339079af70eb9a79860e4bb81dca");

    @TempDir
    Path folder;

    @Test
    void isThatOfEachCompose() throws IOException {
        Files.writeString(folder.resolve("compose.yaml"), FILE);
        ProjectSpec project = load();
        assertEquals(new TreeMap<>(NEW), each(project, List::getFirst));
        assertEquals(new TreeMap<>(BETWEEN), each(project, hashes -> hashes.get(1)));
        assertEquals(new TreeMap<>(OLD), each(project, List::getLast));
        assertEquals(
                1, Set.copyOf(project.hashes().getOrDefault("plain", List.of())).size(), "the same in all");
    }

    /** Keys that the older one does not know; of 2.40.3. */
    @Test
    void isThatOfANewerFile() throws IOException {
        Files.writeString(folder.resolve("compose.yaml"), """
                name: newer
                services:
                  gpus:
                    image: x
                    gpus: all
                    extra_hosts: ["a:1.2.3.4"]
                    group_add: [audio]
                    hostname: h
                    healthcheck: {test: [CMD, x]}
                  some: {image: x, gpus: [{driver: nvidia, count: 1}, {device_ids: ["3"], options: {a: b}}]}
                  labels: {image: x, labels: {A: mine, Z: z}, label_file: [l.env]}
                models: {m: {model: ai/x}}
                """);
        Files.writeString(folder.resolve("l.env"), "A=1\n# c\nB=\"two words\"\nD=${X:-y}\n");
        assertEquals(
                new TreeMap<>(Map.of(
                        "gpus", "87ba14595df44db81a1ebbd49d08378dec3cfe4ce6b48f5cabaeea39145dea19",
                        "labels", "1e3cb7bdf552436fe85ec78b5cc9656d1b70ac2f16641265cb0fc4377ca2a89d",
                        "some", "bc014503575a99c5238e708e517415ec1746e61823e39e36f439a68210d9fbf8")),
                each(load(), List::getFirst));
    }

    /** Keys of Compose's plugins are read wherever they are, and refused where they would have to be done; of 2.40.3. */
    @Test
    void isThatOfTheNewestKeys() throws IOException {
        Files.writeString(folder.resolve("compose.yaml"), """
                name: newest
                services:
                  mounts:
                    image: x
                    volumes:
                      - {type: image, source: docs, target: /docs, image: {subpath: en}}
                      - {type: volume, source: v, target: /v, volume: {labels: {b: c, a: 1}, subpath: s}}
                      - {type: bind, source: /etc, target: /etc2, read_only: true, bind: {recursive: readonly, propagation: rslave}}
                  nets:
                    image: x
                    networks: {six: {interface_name: eth7, gw_priority: 2, aliases: [q]}}
                  built:
                    image: x
                    build: {context: /, provenance: true, sbom: generator=g, ulimits: {nofile: {soft: 1, hard: 2}}, entitlements: [network.host]}
                  asks: {image: x, models: {m: {endpoint_var: URL}}}
                  socket: {image: x, use_api_socket: true}
                  plugin: {provider: {type: model, options: {model: [ai/x], n: 2}}}
                  behind: {image: x, depends_on: [plugin]}
                models: {m: {model: ai/x}}
                networks: {six: {enable_ipv4: false, enable_ipv6: true}}
                volumes: {v: {}}
                """);
        ProjectSpec project = load();
        assertEquals(
                new TreeMap<>(Map.of(
                        "asks", "0bf8b4cbc5a102d6de8369274cbab3b4b570b700cd30373cf9fb513d940aa081",
                        "behind", "d5457d0b2799957b606d2ac4ed52d85a1e75799490e56229948300b9a59e8953",
                        "built", "d5457d0b2799957b606d2ac4ed52d85a1e75799490e56229948300b9a59e8953",
                        "mounts", "c2b70a6da7597ee423a45ab211798a326b9bf1f9efabb70049c90c6850228f88",
                        "nets", "4ec6524cf4d432c33ea1f77985a2bba270f60446e55f32f887afc46bb46cd186",
                        "plugin", "c59f43927130823a094b45bc570a686e7c2c2b5966580d52110b9580ac321708",
                        "socket", "d4dd31100d36f43a3539c540314509e6df21ef2f17c449a3494ebdb22465265e")),
                each(project, List::getFirst));
        assertEquals(
                List.of("asks", "behind", "plugin", "socket"),
                project.refusals().keySet().stream().sorted().toList());
    }

    private ProjectSpec load() {
        return ProjectLoader.load(new LoadRequest(
                folder, List.of(), List.of(), List.of("p"), null, null, List.of(), Map.of("HOME", "/")));
    }

    private static Map<String, String> each(ProjectSpec project, Function<List<String>, String> variant) {
        Map<String, String> hashes = new TreeMap<>();
        project.hashes().forEach((service, variants) -> hashes.put(service, variant.apply(variants)));
        return hashes;
    }
}
