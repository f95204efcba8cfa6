package dev.rollout.agent.docker;

import static dev.rollout.agent.docker.Published.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

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

    /** A service each, and its keys. */
    private static final String SERVICES = """
            plain       | command: sleep 1000
            environment | command: sleep 1000\\nenvironment: {A: '1', B: 'x=y', C: }\\nworking_dir: /tmp\\nuser: '1:1'\\nhostname: h\\ndomainname: d.org
            limits      | command: sleep 1000\\nmem_limit: 64m\\nmem_reservation: 32m\\ncpus: 0.5\\ncpu_shares: 100\\npids_limit: 50\\nshm_size: 8m\\noom_score_adj: 100\\nulimits: {nofile: {soft: 100, hard: 200}, nproc: 50}
            deploy      | command: sleep 1000\\ndeploy: {resources: {limits: {cpus: '0.5', memory: 64m, pids: 20}, reservations: {memory: 32m}}}
            security    | command: sleep 1000\\ncap_add: [NET_ADMIN]\\ncap_drop: [MKNOD]\\nread_only: true\\nsecurity_opt: ['no-new-privileges:true']\\ngroup_add: ['5']\\nsysctls: {net.core.somaxconn: 99}\\ndevices: ['/dev/null:/dev/x:rw']
            volumes     | command: sleep 1000\\nvolumes: ['./a:/a:ro', 'vol:/v', '/anon', {type: bind, source: /tmp, target: /b, read_only: true}, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]\\ntmpfs: [/run, '/x:size=1m']
            health      | command: sleep 1000\\nhealthcheck: {test: 'true', interval: 10s, timeout: 3s, retries: 4, start_period: 1s}\\nstop_signal: SIGINT\\nstop_grace_period: 1m
            terminal    | command: sleep 1000\\ntty: true\\nstdin_open: true\\ninit: true\\nlabels: {a: b, c: }
            logging     | command: sleep 1000\\nlogging: {driver: json-file, options: {max-size: 1m, max-file: 2}}\\ndns: [8.8.8.8]\\ndns_search: [x.org]\\ndns_opt: [ndots:2]\\nextra_hosts: ['h=1.2.3.4']\\nexpose: [80, '7/udp']
            namespaces  | command: sleep 1000\\nipc: host\\npid: host\\nuts: host
            networks    | command: sleep 1000\\nnetworks: {one: {aliases: [x, y]}, two: {priority: 10, aliases: [z]}}
            host        | command: sleep 1000\\nnetwork_mode: host
            bridge      | command: sleep 1000\\nnetwork_mode: bridge\\ndomainname: d.org
            links       | command: sleep 1000\\nnetwork_mode: bridge\\nexternal_links: [OTHER, 'OTHER:l']
            ports       | command: sleep 1000\\nports: ['127.0.0.1:0:80', '127.0.0.1::81/udp']\\ndeploy: {update_config: {order: stop-first}}
            entrypoint  | entrypoint: ['sleep']\\ncommand: ['1000']
            secrets     | command: sleep 1000\\nsecrets: [s]\\nconfigs: [{source: c, target: /etc/c.conf, mode: 0444}]
            """;

    /** All in one project, since a command for each would cost more than what it does. */
    @Test
    void equalsThatOfDockerComposeCreate() throws Exception {
        try (Rig rig = AGENT.rig()) {
            String other = rig.project + "-other";
            ok(rig.docker("run", "-d", "--name", other, "rollout-examples/busybox:1", "sleep", "1000"));
            Map<String, String> keys = new TreeMap<>();
            SERVICES.replace("OTHER", other)
                    .lines()
                    .map(line -> line.split(" *\\| *", 2))
                    .forEach(line -> keys.put(line[0], line[1]));
            services(rig, keys);
            Rig.Ran create = rig.compose("create");
            assertEquals(0, create.exit(), create.all());
            Map<String, Map<String, String>> theirs = flat(rig, keys.keySet());

            Map<String, String> changed = new TreeMap<>(keys);
            changed.replaceAll(
                    (service, text) -> text.replace("sleep 1000", "sleep 1000s").replace("['1000']", "['1000s']"));
            services(rig, changed);
            ok(rig.rollout("up"));
            Map<String, Map<String, String>> ours = flat(rig, keys.keySet());
            String hash = ".Config.Labels.com.docker.compose.config-hash"; // of another text: Compose itself judges it
            ours.values().forEach(fields -> assertTrue(fields.remove(hash) != null));
            Map<String, Map<String, String>> expected = new TreeMap<>(theirs);
            expected.replaceAll((service, fields) -> {
                Map<String, String> without = new TreeMap<>();
                fields.forEach((name, value) ->
                        without.put(name.replace("\"1000\"", "\"1000s\""), value.replace("\"1000\"", "\"1000s\"")));
                without.remove(hash);
                return without;
            });
            assertSame(expected, ours, "what the file made");
            Set<String> ids = running(rig);
            Rig.Ran again = rig.compose("up", "-d");
            assertEquals(ids, running(rig), again.all());

            List<String> kill = new ArrayList<>(List.of("docker", "kill")); // sleep does not listen to SIGTERM
            kill.addAll(ids);
            ok(rig.run(kill.toArray(String[]::new)));
            for (String service : keys.keySet()) {
                ok(rig.rollout("undo", service));
            }
            assertSame(theirs, flat(rig, keys.keySet()), "what undo made");
            rig.removeContainers();
            rig.compose("down", "-v", "--remove-orphans", "-t", "0");
            rig.docker("rm", "-f", other);
        }
    }

    /** Compose sends a range as it stands, which Engines from 29 on refuse; it is its own container nevertheless. */
    @Test
    void aRangeOfExposedPortsIsEachOfThem() throws Exception {
        try (Rig rig = AGENT.rig()) {
            services(rig, Map.of("a", "command: sleep 1000\\nexpose: [80, '90-91', '7-8/udp']"));
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

    private static void services(Rig rig, Map<String, String> keys) throws IOException {
        StringBuilder yaml = new StringBuilder();
        keys.forEach((service, text) -> yaml.append(service)
                .append(":\n  image: rollout-examples/busybox:1\n")
                .append(text.replace("\\n", "\n").indent(2))
                .append("  x-rollout: {readiness: {exec: ['true'], successes: 1}}\n"));
        rig.services(
                yaml.toString(),
                "volumes: {vol: }\nnetworks: {one: , two: }\nsecrets: {s: {file: ./s.txt}}\nconfigs: {c: {file: ./s.txt}}\n");
        Files.writeString(rig.folder.resolve("s.txt"), "secret");
    }

    private static Set<String> running(Rig rig) throws Exception {
        Set<String> ids = new TreeSet<>();
        for (JsonNode container : rig.inspect()) {
            assertTrue(container.at("/State/Running").asBoolean(), container.toString());
            ids.add(container.path("Id").asText());
        }
        return ids;
    }

    private static void assertSame(
            Map<String, Map<String, String>> theirs, Map<String, Map<String, String>> all, String what) {
        Map<String, String> different = new TreeMap<>();
        all.forEach((service, ours) -> {
            Map<String, String> missing = new TreeMap<>(theirs.get(service));
            missing.entrySet().removeAll(ours.entrySet());
            Map<String, String> added = new TreeMap<>(ours);
            added.entrySet().removeAll(theirs.get(service).entrySet());
            if (!missing.isEmpty() || !added.isEmpty()) {
                different.put(service, "missing " + missing + ", added " + added);
            }
        });
        assertEquals(Map.of(), different, what);
    }

    /** The only container of each service. */
    private static Map<String, Map<String, String>> flat(Rig rig, Set<String> services) throws Exception {
        Map<String, Map<String, String>> all = new TreeMap<>();
        for (JsonNode container : rig.inspect()) {
            String service = container
                    .at("/Config/Labels")
                    .path("com.docker.compose.service")
                    .asText();
            assertEquals(null, all.put(service, flat(container)), "one of each");
        }
        assertEquals(services, all.keySet());
        return all;
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
