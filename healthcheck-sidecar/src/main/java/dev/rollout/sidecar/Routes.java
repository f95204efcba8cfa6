package dev.rollout.sidecar;

import dev.rollout.contract.Role;
import dev.rollout.contract.Token;
import dev.rollout.lib.Claim;
import dev.rollout.lib.Hold;
import dev.rollout.lib.Rollout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** What the sidecar answers: health, components, the role, claims, work in flight. */
final class Routes implements HttpServer.Handler {
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    private static final String HELP =
            "GET /healthz /readyz /role /claims, PUT /components/NAME, POST /claims/ID[/complete|/renew"
                    + "|/release], PUT and DELETE /work/ID";

    private final Components components;
    private final Rollout rollout;
    private final Object roleChanged = new Object();
    private final Map<String, Rollout.InFlight> work = new ConcurrentHashMap<>();

    Routes(Components components, Rollout rollout) {
        this.components = components;
        this.rollout = rollout;
        rollout.onRole((from, to) -> {
            synchronized (roleChanged) {
                roleChanged.notifyAll();
            }
        });
    }

    @Override
    public HttpServer.Reply handle(HttpServer.Request request) throws InterruptedException {
        List<String> path = request.path();
        String route = request.method() + " " + path.get(0) + (path.size() > 2 ? " " + path.get(2) : "");
        if (path.size() > 3) {
            return HttpServer.Reply.problem(404, HELP);
        }
        String name = path.size() > 1 ? path.get(1) : "";
        return switch (route) {
            case "GET healthz", "GET readyz" -> health();
            case "GET components" -> HttpServer.Reply.of(200, components.describe());
            case "PUT components" -> {
                components.report(name, request.body(), "http");
                yield health();
            }
            case "GET role" -> role(request);
            case "POST role" -> {
                rollout.ring(); // the agent's doorbell: x-rollout.handover.http
                yield HttpServer.Reply.of(202, Map.of("role", rollout.role()));
            }
            case "GET claims" -> {
                Duration lately = Durations.parse(request.query().getOrDefault("lately", "1s"));
                yield HttpServer.Reply.of(200, Map.of("othersWon", rollout.othersWon(lately)));
            }
            case "POST claims" ->
                claim(name, Optional.ofNullable(request.query().get("lease")));
            case "POST claims complete" -> held(rollout.complete(token(name, request)));
            case "POST claims renew" -> held(rollout.renew(token(name, request), lease(request)));
            case "POST claims release" -> held(rollout.release(token(name, request)));
            case "PUT work" -> {
                work.computeIfAbsent(name, id -> rollout.begin());
                yield HttpServer.Reply.of(200, Map.of("inFlight", rollout.inFlight()));
            }
            case "DELETE work" -> {
                Rollout.InFlight ended = work.remove(name);
                if (ended != null) {
                    ended.close();
                }
                yield HttpServer.Reply.of(200, Map.of("inFlight", rollout.inFlight()));
            }
            default -> HttpServer.Reply.problem(404, HELP);
        };
    }

    private HttpServer.Reply health() {
        Map<String, Object> all = new LinkedHashMap<>();
        Optional<String> why = components.why();
        all.put("status", why.isEmpty() ? "ready" : "not ready");
        why.ifPresent(reason -> all.put("reason", reason));
        all.put("role", rollout.role());
        all.put("components", components.describe());
        return HttpServer.Reply.of(why.isEmpty() ? 200 : 503, all);
    }

    /** {@code ?not=STANDBY&wait=30s} waits for another role; {@code Accept: text/event-stream} tells every one. */
    private HttpServer.Reply role(HttpServer.Request request) throws InterruptedException {
        if (request.accept().contains("text/event-stream")) {
            return new HttpServer.Reply(200, "", out -> {
                Role said = null;
                while (true) {
                    Role now = rollout.role();
                    out.write((now == said ? ": still here\n\n" : "event: role\ndata: " + now + "\n\n")
                            .getBytes(StandardCharsets.UTF_8));
                    out.flush();
                    said = now;
                    awaitOther(now, HEARTBEAT);
                }
            });
        }
        String not = request.query().get("not");
        if (not != null) {
            Duration wait = Durations.parse(request.query().getOrDefault("wait", "30s"));
            awaitOther(Role.valueOf(not), wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait);
        }
        return HttpServer.Reply.of(200, Map.of("role", rollout.role()));
    }

    private void awaitOther(Role not, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        synchronized (roleChanged) {
            for (long left = limit.toMillis();
                    rollout.role() == not && left > 0;
                    left = (end - System.nanoTime()) / 1_000_000) {
                roleChanged.wait(left);
            }
        }
    }

    private HttpServer.Reply claim(String id, Optional<String> lease) {
        Claim claim = lease.isPresent() ? rollout.lease(id, Durations.parse(lease.get())) : rollout.claim(id);
        Map<String, Object> answer = new LinkedHashMap<>();
        if (claim instanceof Claim.Claimed claimed) {
            answer.put("outcome", "CLAIMED");
            answer.put("generation", claimed.token().generation());
            answer.put("attempt", claimed.token().attempt());
            return HttpServer.Reply.of(200, answer);
        } else if (claim instanceof Claim.Lost lost) {
            answer.put("outcome", "LOST");
            if (lost.mayComeFree()) {
                answer.put("heldMillis", lost.heldMillis());
            }
            return HttpServer.Reply.of(409, answer);
        } else if (claim instanceof Claim.Unavailable unavailable) {
            answer.put("outcome", "UNAVAILABLE");
            answer.put("cause", String.valueOf(unavailable.cause().getMessage()));
            return HttpServer.Reply.of(503, answer);
        }
        answer.put("outcome", "FENCED");
        return HttpServer.Reply.of(410, answer);
    }

    private static HttpServer.Reply held(Hold hold) {
        int status = switch (hold) {
            case KEPT -> 200;
            case STALE -> 409;
            case UNAVAILABLE -> 503;
        };
        return HttpServer.Reply.of(status, Map.of("outcome", hold));
    }

    private static Token token(String id, HttpServer.Request request) {
        try {
            return new Token(
                    id,
                    Long.parseLong(request.query().getOrDefault("generation", "")),
                    Long.parseLong(request.query().getOrDefault("attempt", "")));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("?generation=…&attempt=… are the numbers that the claim has told");
        }
    }

    private static Duration lease(HttpServer.Request request) {
        return Durations.parse(request.query().getOrDefault("lease", ""));
    }
}
