package dev.rollout.agent.docker;

import static dev.rollout.agent.docker.Published.answer;
import static dev.rollout.agent.docker.Published.awaitAnswer;
import static dev.rollout.agent.docker.Published.awaitBack;
import static dev.rollout.agent.docker.Published.bad;
import static dev.rollout.agent.docker.Published.freePort;
import static dev.rollout.agent.docker.Published.gatewayPid;
import static dev.rollout.agent.docker.Published.nothingLost;
import static dev.rollout.agent.docker.Published.ok;
import static dev.rollout.agent.docker.Published.refused;
import static dev.rollout.agent.docker.Published.routes;
import static dev.rollout.agent.docker.Published.said;
import static dev.rollout.agent.docker.Published.web;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.wire.UnixHttp;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ports of the host under load: taken over from Docker, handed back, chosen, changed, held by others. Not one request is lost. */
class HostPortsIT {
    @RegisterExtension
    static final SharedAgent AGENT = new SharedAgent();

    @Test
    void whatDockerPublishedIsTakenOverAndKillsAreNotSeen() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.compose("up", "-d"));
            ok(rig.rollout("agent", "start"));
            if (!Rig.BY_ROOT) {
                rig.services(web("2", port));
                refused(rig.rollout("up", "web"), "needs root");
                return; // the rest is for root
            }
            awaitAnswer("1", port);
            Load load = new Load(port);
            rig.services(web("2", port));
            ok(rig.rollout("up", "web"));

            ProcessHandle.of(rig.agentPid()).orElseThrow().destroyForcibly();
            Thread.sleep(500);
            nothingLost(load, "1", "2");

            ok(rig.rollout("agent", "start"));
            long pid = gatewayPid(rig);
            assertWeight(rig.agentPid(), 5);
            assertWeight(pid, 0);
            ProcessHandle gateway = ProcessHandle.of(pid).orElseThrow();
            gateway.destroyForcibly();
            gateway.onExit().join();
            awaitBack(rig, port);
            Load again = new Load(port);
            ok(rig.rollout("undo", "web"));
            nothingLost(again, "2", "1");
        }
    }

    /** How the kernel weighs a process's session against others, where it does. */
    private static void assertWeight(long pid, int nice) throws IOException {
        Path session = Path.of("/proc/" + pid + "/autogroup");
        String weight = Files.exists(session) ? Files.readString(session).strip() : "";
        assertTrue(weight.isEmpty() || weight.endsWith(" nice " + nice), weight);
    }

    /** A version that listens on another port, or is published on one: what goes on beside it, or comes back, has its own. */
    @Test
    void eachVersionIsLedToByItsOwnPorts() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            String two = "deploy: {replicas: 2}\n";
            rig.services(listening("1", port, 8080, two));
            ok(rig.rollout("up", "web"));
            Load load = new Load(port);
            rig.services(listening("bad", port, 9090, two).replace("httpd -f", "sleep 1; exit 1;"));
            assertEquals(1, rig.rollout("up", "web").exit(), "a bad candidate on another port is rolled back");
            rig.services(listening("2", port, 9090, two));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2");

            int other = freePort();
            String watched = "deploy: {update_config: {monitor: 5s, failure_action: rollback}}\n";
            rig.services(listening("dies", other, 8080, watched)
                    .replace("exec httpd -f -p 8080 -h /tmp/w", "httpd -p 8080 -h /tmp/w; sleep 3"));
            assertEquals(1, rig.rollout("up", "web").exit(), "it dies while it serves");
            Load back = new Load(port);
            nothingLost(back, "2");
            assertEquals(List.of(port), ports(rig));

            CompletableFuture<String> slow = CompletableFuture.supplyAsync(() -> answer(port, "/cgi-bin/slow"));
            rig.services(Rig.web("hidden", ""));
            ok(rig.rollout("up", "web"));
            assertEquals("slow", slow.join(), "what was begun there is finished");
            assertEquals(List.of(), ports(rig), "a version without ports has none");
            ok(rig.rollout("undo", "web"));
            nothingLost(new Load(port), "2");

            rig.services(listening("2", port, 8080, "deploy: {replicas: 0}\n"));
            for (String what : List.of("replicas is 0", "nothing to do")) {
                Rig.Ran none = rig.rollout("up", "web");
                ok(none);
                assertTrue(none.all().contains(what), none.all());
                assertEquals(List.of(), ports(rig), "nobody waits for one that is not to come");
            }
            rig.services(listening("3", port, 8080, ""));
            ok(rig.rollout("up", "web"));
            nothingLost(new Load(port), "3");
        }
    }

    private static String listening(String version, int port, int target, String more) {
        return Rig.web(version, more + "ports: [\"127.0.0.1:" + port + ":8080\"]\n")
                .replace(
                        "exec httpd",
                        "mkdir /tmp/w/cgi-bin && printf 'HTTP/1.0 200 OK\\r\\n\\r\\nslow' > /tmp/w/answer"
                                + " && printf '#!/bin/sh\\nsleep 2; cat /tmp/w/answer' > /tmp/w/cgi-bin/slow"
                                + " && chmod +x /tmp/w/cgi-bin/slow && exec httpd")
                .replace("8080", target + "");
    }

    /**
     * The way back: Docker publishes the port again, and the next rollout takes it over again. On an address that is not the
     * first one of the interface by which its clients come, which is where a packet filter likes to redirect them.
     */
    @Test
    void aPortIsHandedBackToDockerWithoutALostRequest() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            String address = bridge(rig);
            rig.services(on(address, web("1", port)));
            ok(rig.rollout("up", "web"));
            if (!Rig.BY_ROOT) {
                refused(rig.rollout("release", "web"), "needs root");
                return; // the rest is for root
            }
            Load load = new Load(new InetSocketAddress(address, port));
            rig.services(on(address, bad(port)));
            Rig.Ran bad = rig.rollout("release", "web");
            assertEquals(1, bad.exit(), bad.all());
            awaitOwnPort(rig);

            rig.services(on(address, web("2", port)));
            long agent = rig.agentPid();
            Process release = rig.start("release", "web", "--progress", "json");
            String story = Rig.at(
                    "PROMOTING", release, () -> ProcessHandle.of(agent).ifPresent(ProcessHandle::destroyForcibly));
            assertEquals(0, release.waitFor(), story);
            assertTrue(story.contains("its ports are Docker's again"), story);
            assertEquals(
                    address + ":" + port,
                    rig.docker("port", rig.containers("web").getFirst().id(), "8080/tcp")
                            .out()
                            .strip());
            assertEquals(2, rig.rollout("release", "web").exit(), "there is nothing to hand back now");
            rig.services(on(address, web("3", port)));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2", "3");
        }
    }

    /** An address of this host that is not loopback's, by which Docker's rules come first. */
    private static String bridge(Rig rig) throws Exception {
        String option =
                "{{index .Options \"com.docker.network.bridge.name\"}}"; // a fresh Engine does not name the address
        String name = rig.docker("network", "inspect", "bridge", "-f", option).out();
        return NetworkInterface.getByName(name)
                .inetAddresses()
                .filter(Inet4Address.class::isInstance)
                .findFirst()
                .orElseThrow()
                .getHostAddress();
    }

    /** It lets go of a port first, and a moment later of the rule, which leads to a container that has ended. */
    @Test
    void aRuleOfDockersThatOutlivesItsPortLeadsNobodyAstray() throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root redirects
        }
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(on("0.0.0.0", web("1", port)));
            ok(rig.compose("up", "-d"));
            awaitAnswer("1", port);
            String container = rig.address(rig.containers("web").getFirst().id());
            String rule = " DOCKER -p tcp --dport " + port + " -j DNAT --to-destination " + container + ":8080";
            ok(rig.run(("iptables -w -t nat -A" + rule).split(" ")));
            InetSocketAddress byDocker = new InetSocketAddress(bridge(rig), port);
            try (Load across = new Load(byDocker)) {
                rig.services(on("0.0.0.0", web("2", port)));
                ok(rig.rollout("up", "web"));
                Thread.sleep(1000); // the port is free by now
                assertTrue(routes(rig).getFirst().path("redirectedFrom").asInt() != 0, routes(rig) + "");
                nothingLost(across, "1", "2");

                ProcessHandle gateway = ProcessHandle.of(gatewayPid(rig)).orElseThrow();
                gateway.destroyForcibly();
                gateway.onExit().get(10, TimeUnit.SECONDS);
                awaitBack(rig, port);
                try (Load after = new Load(byDocker)) { // its successor finds the port free and the rule there
                    Thread.sleep(1000);
                    ok(rig.run(("iptables -w -t nat -D" + rule).split(" ")));
                    awaitOwnPort(rig);
                    nothingLost(after, "2");
                }
            } finally {
                rig.run(("iptables -w -t nat -D" + rule).split(" "));
            }
        }
    }

    private static String on(String address, String service) {
        return service.replace("127.0.0.1", address);
    }

    /** What it has is lost with it, and for no longer than it takes to start another: the port still becomes Docker's. */
    @ParameterizedTest
    @ValueSource(strings = {"PROMOTING", "DRAINING"})
    void aGatewayThatIsKilledWhileItsPortIsHandedBackDoesNotKeepIt(String phase) throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root hands back
        }
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            rig.services(web("2", port));
            long gateway = gatewayPid(rig);
            Process release = rig.start("release", "web", "--progress", "json");
            String story =
                    Rig.at(phase, release, () -> ProcessHandle.of(gateway).ifPresent(ProcessHandle::destroyForcibly));
            assertEquals(0, release.waitFor(), story);
            assertEquals(
                    "127.0.0.1:" + port,
                    rig.docker("port", rig.containers("web").getFirst().id(), "8080/tcp")
                            .out()
                            .strip());
            nothingLost(new Load(port), "2");
            assertTrue(rig.run("iptables", "-t", "nat", "-S")
                    .out()
                    .lines()
                    .noneMatch(rule -> rule.startsWith("-A ROLLOUT") && rule.contains("--dport " + port + " ")));
        }
    }

    /** Docker chose one port for each container out of a range: each goes on, and leads to both of the next version. */
    @Test
    void thePortsThatDockerChoseOutOfARangeAreKept() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int first = freeRange();
            String range = "ports: [\"127.0.0.1:" + first + "-" + (first + 20) + ":8080\"]\n";
            String two = "deploy: {replicas: 2}\n" + range;
            rig.services(Rig.web("1", two));
            ok(rig.rollout("agent", "start"));
            if (!Rig.BY_ROOT) {
                ok(rig.rollout("up", "web"));
                nothingLost(new Load(ports(rig).getFirst()), "1");
                return; // the rest is for root
            }
            ok(rig.compose("up", "-d"));
            List<Integer> chosen = new ArrayList<>();
            for (Rig.Container container : rig.containers("web")) {
                chosen.add(Integer.valueOf(rig.docker("port", container.id(), "8080/tcp")
                        .out()
                        .strip()
                        .replaceFirst(".*:", "")));
            }
            assertEquals(2, Set.copyOf(chosen).size(), chosen + "");
            for (int port : chosen) {
                awaitAnswer("1", port);
            }
            Load one = new Load(chosen.getFirst());
            Load other = new Load(chosen.getLast());
            rig.services(Rig.web("2", two));
            ok(rig.rollout("up", "web"));
            rig.services(Rig.web("3", two));
            ok(rig.rollout("up", "web"));
            nothingLost(one, "1", "2", "3");
            nothingLost(other, "1", "2", "3");
            assertEquals(Set.copyOf(chosen), Set.copyOf(ports(rig)));
            for (JsonNode route : routes(rig)) {
                assertEquals(2, route.path("targets").size(), route + "");
            }
            refused(rig.rollout("release", "web"), "Docker would choose another");
        }
    }

    /** Where the file names no host port a service gets one that is free, and keeps it. */
    @Test
    void aServiceWithoutAHostPortGetsOneAndKeepsIt() throws Exception {
        try (Rig rig = AGENT.rig();
                ServerSocket held = new ServerSocket(0);
                ServerSocket alsoHeld = new ServerSocket(0)) {
            rig.services(Rig.web("1", "ports: [\"8080\"]\n"));
            ok(rig.rollout("up", "web"));
            int port = ports(rig).getFirst();
            Load load = new Load(port);
            rig.services(Rig.web("2", "ports: [\"8080\"]\n"));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2");
            assertEquals(List.of(port), ports(rig));

            int mine = held.getLocalPort();
            rig.services(Rig.web("3", "ports: [\"" + mine + "-" + mine + ":8080\"]\n"));
            assertEquals(2, rig.rollout("up", "web").exit(), "a port that somebody holds");
            rig.services(Rig.web("3", "ports: [{target: 8080, published: \"" + mine + "-" + (mine + 30) + "\"}]\n"));
            ok(rig.rollout("up", "web"));
            int free = ports(rig).getFirst();
            assertTrue(mine < free && free <= mine + 30 && free != alsoHeld.getLocalPort(), free + " of " + mine);
            nothingLost(new Load(free), "3");
        }
    }

    /** What the gateway led to was taken down while it was not there, and Docker has the port again. */
    @Test
    void aGatewayThatComesBackDoesNotLeadToWhatIsGone() throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root takes over
        }
        try (Rig rig = new Rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            ok(rig.rollout("agent", "stop"));
            ok(rig.rollout("gateway", "stop"));
            ok(rig.compose("down", "-t", "0"));
            ok(rig.compose("up", "-d"));
            awaitAnswer("1", port);

            Load load = new Load(port);
            rig.services(web("2", port));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2");
        }
    }

    /** The end of a gateway by a signal, with no agent to start it again: the port is its holder's as before. */
    @Test
    void aGatewayThatIsTerminatedLeavesNothingRedirected() throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root redirects
        }
        try (Rig rig = new Rig();
                ServerSocket holder = answering("held");
                ServerSocket target = answering("")) {
            int port = holder.getLocalPort();
            Process gateway = gatewayBeside(rig, holder, target);
            assertTrue(said(port).startsWith("HTTP/1.1 502"), said(port));
            gateway.destroy();
            assertTrue(gateway.waitFor(10, TimeUnit.SECONDS));
            assertEquals("held", said(port));
        }
    }

    /** Docker has the port again: who has a connection that the gateway took is answered on it, and comes anew. */
    @Test
    void anAdoptionThatIsAbortedIsNotSeen() throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root redirects
        }
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.compose("up", "-d"));
            awaitAnswer("1", port);
            Load load = new Load(port);
            rig.services(web("2", port) + "  deploy: {update_config: {monitor: 60s, failure_action: rollback}}\n");
            Process up = rig.start("up", "web", "--progress", "json");
            String story = Rig.at("MONITORING", up, () -> {
                awaitAnswer("2", port);
                ok(rig.rollout("abort", "web"));
            });
            assertEquals(5, up.waitFor(), story);
            awaitAnswer("1", port);
            long end = System.nanoTime() + 20_000_000_000L;
            while (!ports(rig).isEmpty()) { // under load: each client has been told once
                assertTrue(System.nanoTime() < end, ports(rig) + " are kept");
                Thread.sleep(100);
            }
            nothingLost(load, "1", "2");
        }
    }

    /** New clients are its holder's at once; who has a connection here was answered on it, and would lose a request with it. */
    @Test
    void aRouteThatIsRemovedBesideTheHolderOfItsPortAnswersThoseWhoAreThere() throws Exception {
        if (!Rig.BY_ROOT) {
            return; // only root redirects
        }
        try (Rig rig = new Rig();
                ServerSocket holder = answering("held");
                ServerSocket target = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) {
            gatewayBeside(rig, holder, target);
            try (Socket kept = new Socket("127.0.0.1", holder.getLocalPort())) {
                kept.setSoTimeout(10_000);
                assertTrue(asked(kept).startsWith("HTTP/1.1 200"));
                new UnixHttp(Path.of(rig.environment.get("ROLLOUT_RUNTIME_DIR"), "gateway.sock"))
                        .send("PUT", "/v1/routes/p/s", List.of(), "")
                        .close();
                assertEquals("held", said(holder.getLocalPort()));
                Thread.sleep(500); // it was closed as soon as it was idle
                String last = asked(kept).toLowerCase(Locale.ROOT);
                assertTrue(last.startsWith("http/1.1 200") && last.contains("connection: close"), last);
            }
        }
    }

    private static String asked(Socket socket) throws IOException {
        socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] answer = new byte[4096];
        return new String(answer, 0, Math.max(0, socket.getInputStream().read(answer)), StandardCharsets.US_ASCII);
    }

    /** It says the same to everybody. */
    private static ServerSocket answering(String words) throws IOException {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (!server.isClosed()) {
                try (Socket socket = server.accept()) {
                    int asked = socket.getInputStream().read(new byte[4096]);
                    socket.getOutputStream().write(asked < 0 ? new byte[0] : words.getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                    // its client has gone, or the test is over
                }
            }
        });
        return server;
    }

    /** A gateway that takes the new connections of a port whose holder stays, and leads them to the target. */
    private static Process gatewayBeside(Rig rig, ServerSocket holder, ServerSocket target) throws Exception {
        int port = holder.getLocalPort();
        String route = rig.run(
                        Rig.ROOT.resolve("scripts/gateway-route").toString(),
                        "HTTP",
                        port + "",
                        target.getLocalPort() + "")
                .out();
        Files.createDirectories(rig.folder.resolve("state"));
        Files.writeString(rig.folder.resolve("state/gateway.json"), route);
        assertEquals("held", said(port));
        rig.environment.put("DOCKER_HOST", "tcp://127.0.0.1:1"); // the target is no container
        Process gateway = rig.start("gateway", "run");
        for (int i = 0; i < 200 && said(port).equals("held"); i++) {
            Thread.sleep(50);
        }
        return gateway;
    }

    /** The first of 21 free ports, below those that the kernel gives to outgoing connections. */
    private static int freeRange() {
        int first = 20_000 + ThreadLocalRandom.current().nextInt(10_000);
        for (int number = first; number <= first + 20; number++) {
            try (ServerSocket free = new ServerSocket(number)) {
                assertEquals(number, free.getLocalPort());
            } catch (IOException held) {
                return freeRange();
            }
        }
        return first;
    }

    private static List<Integer> ports(Rig rig) throws IOException {
        return routes(rig).stream()
                .map(route -> Integer.valueOf(route.path("listen").asText().replaceFirst(".*:", "")))
                .toList();
    }

    /** The gateway holds the published port itself again. */
    private static void awaitOwnPort(Rig rig) throws Exception {
        long end = System.nanoTime() + 30_000_000_000L;
        while (routes(rig).getFirst().path("redirectedFrom").asInt(-1) != 0) {
            assertTrue(System.nanoTime() < end, routes(rig) + "");
            Thread.sleep(100);
        }
    }

    /** What is fixed when a port is opened, its mode and its TLS, changes with the file, and no request is lost by it. */
    @Test
    void aPortThatChangesItsModeIsServedInTheNewOne() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(web("1", port));
            ok(rig.rollout("up", "web"));
            if (!Rig.BY_ROOT) {
                return; // a gateway that is replaced needs root, and says so in its log
            }
            Load load = new Load(port);
            rig.services(
                    web("2", port).replace("x-rollout: {", "x-rollout: {ports: {\"" + port + "\": {mode: tcp}}, "));
            ok(rig.rollout("up", "web"));
            assertTrue(rig.rollout("gateway", "status").out().contains(":" + port + " tcp"));
            nothingLost(load, "1", "2");
            rig.services(encrypted(port, "/no/such.pem"));
            refused(rig.rollout("up", "web"), "/no/such.pem cannot be read");
            rig.services(encrypted(port, rig.folder + "/compose.yaml"));
            refused(rig.rollout("release", "web"), "with tls, which Docker's own port does not speak");
            ok(rig.compose("down"));
            refused(rig.rollout("up", "--order", "stop-first", "web"), "with tls");
        }
    }

    private static String encrypted(int port, String certificate) {
        return web("3", port)
                .replace(
                        "x-rollout: {",
                        "x-rollout: {ports: {\"" + port + "\": {tls: [{cert: " + certificate + ", key: " + certificate
                                + "}]}}, ");
    }

    /** Each version as it expects it, and never without it: neither by Docker's own port, nor handed back to that. */
    @Test
    void anInstanceMayBeToldWhoAPlainConnectionsClientIs() throws Exception {
        try (Rig rig = AGENT.rig()) {
            int port = freePort();
            rig.services(nginx(rig, "1", port, ""));
            ok(rig.rollout("up", "web"));
            Load load = new Load(port);
            String told = "ports: {\"" + port + "\": {mode: tcp, proxy_protocol: v2}}";
            rig.services(nginx(rig, "2 for $proxy_protocol_addr", port, told));
            ok(rig.rollout("up", "web"));
            rig.services(nginx(rig, "3", port, ""));
            ok(rig.rollout("up", "web"));
            nothingLost(load, "1", "2 for 127.0.0.1", "3");

            rig.services(nginx(rig, "4 for $proxy_protocol_addr", port, told));
            ok(rig.rollout("up", "web"));
            if (Rig.BY_ROOT) {
                refused(rig.rollout("release", "web"), "proxy_protocol");
            }
            ok(rig.compose("down"));
            refused(rig.rollout("up", "--order", "stop-first", "web"), "proxy_protocol");
        }
    }

    private static String nginx(Rig rig, String answer, int port, String own) throws Exception {
        Path conf = rig.folder.resolve("nginx-" + answer.charAt(0) + ".conf");
        String told = own.isEmpty() ? "" : " proxy_protocol";
        StringBuilder http = new StringBuilder("access_log off; keepalive_timeout 0; ");
        for (String kind : List.of("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) {
            http.append(kind + "_temp_path /tmp/" + kind + "; ");
        }
        http.append("server { listen 8080" + told + "; location / { return 200 \"" + answer + "\"; } }");
        Files.writeString(conf, "daemon off; pid /tmp/pid; error_log /dev/stderr; events {} http { " + http + " }");
        return "web:\n  image: "
                + rig.run(Rig.ROOT.resolve("scripts/proxy-images").toString())
                        .out()
                        .strip()
                + "\n  command: [nginx, -c, /nginx.conf]\n  volumes: [\"" + conf + ":/nginx.conf:ro\"]\n"
                + "  ports: [\"127.0.0.1:" + port + ":8080\"]\n  stop_signal: SIGKILL\n  x-rollout: {" + own + "}\n";
    }

    @Test
    void aPortThatSomebodyElseHoldsIsRefusedBeforeAnythingIsStarted() throws Exception {
        try (Rig rig = AGENT.rig();
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            rig.services(web("1", taken.getLocalPort()));
            refused(
                    rig.rollout("up", "web"),
                    "held by java (pid " + ProcessHandle.current().pid());
            assertTrue(rig.containers("web").isEmpty());
        }
    }
}
