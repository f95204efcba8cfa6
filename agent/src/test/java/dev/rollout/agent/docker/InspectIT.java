package dev.rollout.agent.docker;

import static dev.rollout.agent.docker.Published.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our container and the one that docker compose create makes of the same file, held against each other. */
class InspectIT {
    /**
     * What may differ: ids, names and times; the restart policy "no" spelled out; our own labels; and Compose's order of
     * environment variables, which is none.
     */
    private static final Set<String> DIFFERENT = Set.of(
            ".Id",
            ".Name",
            ".Created",
            ".ResolvConfPath",
            ".HostnamePath",
            ".HostsPath",
            ".LogPath",
            ".RestartCount",
            ".Config.Hostname",
            ".HostConfig.RestartPolicy.Name");

    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            plain       | command: sleep 100
            environment | command: sleep 100\\nenvironment: {A: '1', B: 'x=y', C: }\\nworking_dir: /tmp\\nuser: '1:1'\\nhostname: h\\ndomainname: d.org
            limits      | command: sleep 100\\nmem_limit: 64m\\nmem_reservation: 32m\\ncpus: 0.5\\ncpu_shares: 100\\npids_limit: 50\\nshm_size: 8m\\noom_score_adj: 100\\nulimits: {nofile: {soft: 100, hard: 200}, nproc: 50}
            deploy      | command: sleep 100\\ndeploy: {resources: {limits: {cpus: '0.5', memory: 64m, pids: 20}, reservations: {memory: 32m}}}
            security    | command: sleep 100\\ncap_add: [NET_ADMIN]\\ncap_drop: [MKNOD]\\nread_only: true\\nsecurity_opt: ['no-new-privileges:true']\\ngroup_add: ['5']\\nsysctls: {net.core.somaxconn: 99}\\ndevices: ['/dev/null:/dev/x:rw']
            volumes     | command: sleep 100\\nvolumes: ['./a:/a:ro', 'vol:/v', '/anon', {type: bind, source: /tmp, target: /b, read_only: true}, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]\\ntmpfs: [/run, '/x:size=1m']
            health      | command: sleep 100\\nhealthcheck: {test: 'true', interval: 10s, timeout: 3s, retries: 4, start_period: 1s}\\nstop_signal: SIGINT\\nstop_grace_period: 1m
            terminal    | command: sleep 100\\ntty: true\\nstdin_open: true\\ninit: true\\nlabels: {a: b, c: }
            logging     | command: sleep 100\\nlogging: {driver: json-file, options: {max-size: 1m, max-file: 2}}\\ndns: [8.8.8.8]\\ndns_search: [x.org]\\ndns_opt: [ndots:2]\\nextra_hosts: ['h=1.2.3.4']\\nexpose: [80, '7/udp']
            namespaces  | command: sleep 100\\nipc: host\\npid: host\\nuts: host
            networks    | command: sleep 100\\nnetworks: {one: {aliases: [x, y]}, two: {priority: 10, aliases: [z]}}
            host        | command: sleep 100\\nnetwork_mode: host
            bridge      | command: sleep 100\\nnetwork_mode: bridge\\ndomainname: d.org
            links       | command: sleep 100\\nnetwork_mode: bridge\\nexternal_links: [OTHER, 'OTHER:l']
            ports       | command: sleep 100\\nports: ['127.0.0.1:0:80', '127.0.0.1::81/udp']\\ndeploy: {update_config: {order: stop-first}}
            entrypoint  | entrypoint: ['sleep']\\ncommand: ['100']
            secrets     | command: sleep 100\\nsecrets: [s]\\nconfigs: [{source: c, target: /etc/c.conf, mode: 0444}]
            """)
    void equalsThatOfDockerComposeCreate(String name, String text) throws Exception {
        try (Rig rig = AGENT.rig()) {
            String other = rig.project + "-other";
            String keys = text.replace("OTHER", other);
            if (!keys.equals(text)) {
                ok(rig.docker("run", "-d", "--name", other, "rollout-examples/busybox:1", "sleep", "100"));
            }
            services(rig, keys);
            Rig.Ran create = rig.compose("create");
            assertEquals(0, create.exit(), create.all());
            Map<String, String> theirs = flat(rig.inspect(rig.project + "-a-1"));

            services(rig, text.replace("100", "101").replace("OTHER", other));
            ok(rig.rollout("up", "a"));
            kill(rig); // sleep does not listen to SIGTERM
            ok(rig.rollout("undo", "a"));
            assertSame(theirs, rig, "what undo made");

            services(rig, keys);
            kill(rig);
            ok(rig.rollout("up", "a", "--force"));
            assertSame(theirs, rig, "what the file made");

            String id = rig.containers("a").getFirst().id();
            Rig.Ran again = rig.compose("up", "-d");
            assertTrue(rig.containers("a").stream().anyMatch(c -> c.id().equals(id) && c.running()), again.all());
            rig.removeContainers();
            rig.compose("down", "-v", "--remove-orphans", "-t", "0");
            rig.docker("rm", "-f", other);
        }
    }

    /** Compose sends a range as it stands, which Engines from 29 on refuse; it is its own container nevertheless. */
    @Test
    void aRangeOfExposedPortsIsEachOfThem() throws Exception {
        try (Rig rig = AGENT.rig()) {
            services(rig, "command: sleep 100\nexpose: [80, '90-91', '7-8/udp']");
            ok(rig.rollout("up", "a"));
            String id = rig.containers("a").getFirst().id();
            Set<String> exposed = new TreeSet<>();
            rig.inspect(id)
                    .path("Config")
                    .path("ExposedPorts")
                    .fieldNames()
                    .forEachRemaining(port -> exposed.add(port.replace("/tcp", ""))); // which today's Engines add
            assertEquals(Set.of("80", "90", "91", "7/udp", "8/udp"), exposed);
            Rig.Ran again = rig.compose("up", "-d");
            assertTrue(rig.containers("a").stream().anyMatch(c -> c.id().equals(id) && c.running()), again.all());
            rig.compose("down", "-t", "0");
        }
    }

    private static void services(Rig rig, String keys) throws IOException {
        rig.services("a:\n  image: rollout-examples/busybox:1\n"
                + keys.replace("\\n", "\n").indent(2) + "  x-rollout: {readiness: {exec: ['true']}}\n");
        Files.writeString(
                rig.folder.resolve("compose.yaml"),
                (keys.contains("vol:/v") ? "volumes: {vol: }\n" : "")
                        + (keys.contains("one:") ? "networks: {one: , two: }\n" : "")
                        + (keys.contains("secrets:")
                                ? "secrets: {s: {file: ./s.txt}}\nconfigs: {c: {file: ./s.txt}}\n"
                                : ""),
                java.nio.file.StandardOpenOption.APPEND);
        Files.writeString(rig.folder.resolve("s.txt"), "secret");
    }

    private static void kill(Rig rig) throws Exception {
        ok(rig.docker("kill", rig.containers("a").getFirst().id()));
    }

    private static void assertSame(Map<String, String> theirs, Rig rig, String what) throws Exception {
        Map<String, String> ours =
                flat(rig.inspect(rig.containers("a").getFirst().id()));
        Map<String, String> missing = new TreeMap<>(theirs);
        missing.entrySet().removeAll(ours.entrySet());
        Map<String, String> added = new TreeMap<>(ours);
        added.entrySet().removeAll(theirs.entrySet());
        assertEquals("{}{}", "" + missing + added, what + ": missing, and added");
    }

    private static Map<String, String> flat(JsonNode node) {
        Map<String, String> flat = new TreeMap<>();
        flatten(node, "", flat);
        return flat;
    }

    private static void flatten(JsonNode node, String path, Map<String, String> flat) {
        if (DIFFERENT.contains(path)
                || path.startsWith(".State")
                || path.startsWith(".GraphDriver")
                || path.startsWith(".NetworkSettings")
                        && !path.contains(".Aliases")
                        && !path.isEmpty()
                        && !path.equals(".NetworkSettings")
                        && !path.matches("\\.NetworkSettings\\.Networks(\\.\\w+)?")
                || path.startsWith(".Config.Labels.dev.rollout.")) {
            return;
        }
        if (node.isObject() && !node.isEmpty()) {
            node.fields().forEachRemaining(field -> flatten(field.getValue(), path + "." + field.getKey(), flat));
        } else if (node.isArray() && !node.isEmpty()) {
            for (JsonNode item : node) {
                // a set: neither Compose nor the Engine keeps an order
                String text = item.toString()
                        .replaceAll("\"Source\":\"[0-9a-f]{64}\",", "") // an anonymous volume that goes on
                        .replaceAll("\"[0-9a-f]{64}\"", "\"volume\"")
                        .replaceAll("/[0-9a-f]{64}/", "/volume/");
                // the Engine adds the id and the host name when it starts a container; Compose has only created its own
                boolean shortId = path.endsWith(".Aliases") && text.matches("\"([0-9a-f]{12}|h)\"");
                if (!shortId) {
                    flat.put(path + " has " + text, "");
                }
            }
        } else {
            flat.put(path, node.isContainerNode() || node.isNull() ? "" : node.toString());
        }
    }
}
