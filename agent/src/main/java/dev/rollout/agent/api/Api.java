package dev.rollout.agent.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Overrides;
import dev.rollout.agent.model.ProjectSpec;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.Ticket;
import dev.rollout.agent.rollout.Journal;
import dev.rollout.agent.rollout.Refused;
import dev.rollout.agent.rollout.Rollouts;
import dev.rollout.agent.rollout.UpRequest;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The routes of {@code /v1}: asks {@link Rollouts} and the journal, and writes what they say. */
public final class Api implements Resource {
    private static final int HISTORY = 50;
    private static final long NEWS_MILLIS = 1000;

    /** What the API needs of the agent beside the rollouts. */
    public interface Host {
        /** pid, socket, folders, version, engine. */
        Map<String, Object> describe();

        /** Removes parked containers and old history. @return what was removed, a line each */
        List<String> prune(Optional<ServiceKey> key);

        /** What is well and what is not, a line each: {@code ok …}, {@code bad …}, or {@code note …} for what a person should know. */
        List<String> doctor();

        void logs(String container, String tail, boolean follow, Consumer<byte[]> taker);

        void stop();

        /** How much was written so far. */
        long news();

        /** Waits until more was written than that, or the time is over. */
        void awaitNews(long since, long millis) throws InterruptedException;
    }

    private final Rollouts rollouts;
    private final Journal journal;
    private final Host host;
    private final Repeats<List<Rollouts.Begun>> repeats = new Repeats<>();

    public Api(Rollouts rollouts, Journal journal, Host host) {
        this.rollouts = rollouts;
        this.journal = journal;
        this.host = host;
    }

    @Override
    public Map<String, ApiServer.Handler> routes() {
        Map<String, ApiServer.Handler> routes = new LinkedHashMap<>();
        routes.put("GET /healthz", context -> ApiServer.send(context, 200, Map.of("status", "ok")));
        routes.put("GET /readyz", context -> ApiServer.send(context, 200, Map.of("status", "ok")));
        routes.put("GET /metrics", this::metrics);
        routes.put("GET /v1/openapi.yaml", Api::document);
        routes.put("GET /v1/agent", context -> ApiServer.send(context, 200, host.describe()));
        routes.put("POST /v1/agent/stop", this::stop);
        routes.put("GET /v1/doctor", context -> ApiServer.send(context, 200, Map.of("checks", host.doctor())));
        routes.put("POST /v1/plan", this::plan);
        routes.put("POST /v1/rollouts", this::up);
        routes.put("GET /v1/rollouts", this::history);
        routes.put("GET /v1/rollouts/:id", this::one);
        routes.put("GET /v1/rollouts/:id/events", this::events);
        routes.put("POST /v1/rollouts/:id/abort", this::abort);
        routes.put("GET /v1/services", this::services);
        routes.put("POST /v1/services/:project/:service/undo", this::undo);
        routes.put("POST /v1/services/:project/:service/lock", this::lock);
        routes.put("DELETE /v1/services/:project/:service/lock", this::unlock);
        routes.put("POST /v1/services/:project/:service/pause", this::pause);
        routes.put("POST /v1/services/:project/:service/resume", this::resume);
        routes.put("GET /v1/services/:project/:service/logs", this::logs);
        routes.put("POST /v1/prune", this::prune);
        return routes;
    }

    private static void document(RoutingContext context) throws IOException {
        try (InputStream document = Objects.requireNonNull(Api.class.getResourceAsStream("/openapi.yaml"))) {
            context.response()
                    .putHeader("Content-Type", "application/yaml")
                    .end(Buffer.buffer(document.readAllBytes()));
        }
    }

    private void metrics(RoutingContext context) {
        Map<String, Integer> ended = new java.util.TreeMap<>();
        journal.history(Optional.empty(), 200).stream()
                .filter(past -> past.ended().isPresent())
                .forEach(past -> ended.merge(past.phase().name().toLowerCase(Locale.ROOT), 1, Integer::sum));
        StringBuilder text = new StringBuilder("# TYPE rollout_in_progress gauge\nrollout_in_progress ")
                .append(rollouts.inProgress())
                .append("\n# TYPE rollout_kept gauge\n");
        ended.forEach((phase, count) -> text.append("rollout_kept{phase=\"" + phase + "\"} " + count + "\n"));
        context.response()
                .putHeader("Content-Type", "text/plain; version=0.0.4")
                .end(text.toString());
    }

    private void stop(RoutingContext context) {
        ApiServer.send(context, 202, Map.of("inProgress", rollouts.inProgress()));
        host.stop();
    }

    private static UpRequest request(RoutingContext context) throws IOException {
        JsonNode body = ApiServer.body(context);
        ProjectSpec project = Json.MAPPER.treeToValue(body.path("project"), ProjectSpec.class);
        if (project == null) {
            throw new IOException("the request has no project");
        }
        Overrides overrides = body.has("overrides")
                ? Json.MAPPER.treeToValue(body.path("overrides"), Overrides.class)
                : Overrides.NONE;
        List<String> services = new ArrayList<>();
        body.path("services").forEach(name -> services.add(name.asText()));
        Map<String, String> environment = new LinkedHashMap<>();
        body.path("environment")
                .fields()
                .forEachRemaining(entry ->
                        environment.put(entry.getKey(), entry.getValue().asText()));
        return new UpRequest(
                project,
                services,
                overrides,
                body.path("force").asBoolean() ? UpRequest.Force.ALL : UpRequest.Force.CHANGED_ONLY,
                UpRequest.OnConflict.valueOf(
                        body.path("onConflict").asText("fail").toUpperCase(Locale.ROOT)),
                Ticket.Kind.valueOf(body.path("kind").asText("up").toUpperCase(Locale.ROOT)),
                body.path("by").asText("unknown"),
                Peer.of(context).asker(environment));
    }

    private void plan(RoutingContext context) throws IOException {
        ApiServer.send(context, 200, Map.of("plans", rollouts.plan(request(context))));
    }

    private void up(RoutingContext context) throws IOException {
        UpRequest request = request(context);
        String key = context.request().getHeader("Idempotency-Key");
        begun(context, key == null ? rollouts.up(request) : repeats.once(key, () -> rollouts.up(request)));
    }

    private static void begun(RoutingContext context, List<Rollouts.Begun> begun) {
        context.response()
                .putHeader("Location", "/v1/rollouts/" + begun.getFirst().id());
        ApiServer.send(context, 202, Map.of("rollouts", begun));
    }

    private void history(RoutingContext context) {
        ApiServer.send(
                context,
                200,
                Map.of(
                        "rollouts",
                        journal
                                .history(
                                        key(
                                                context.request().getParam("project"),
                                                context.request().getParam("service")),
                                        HISTORY)
                                .stream()
                                .map(Api::summary)
                                .toList()));
    }

    private static Optional<ServiceKey> key(@Nullable String project, @Nullable String service) {
        return project == null || service == null ? Optional.empty() : Optional.of(new ServiceKey(project, service));
    }

    private static Map<String, Object> summary(Journal.Past past) {
        Ticket ticket = past.ticket();
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("id", ticket.id());
        summary.put("kind", ticket.kind().name().toLowerCase(Locale.ROOT));
        summary.put("project", ticket.key().project());
        summary.put("service", ticket.service());
        summary.put("generation", ticket.generation());
        summary.put("phase", past.phase().name());
        summary.put("by", ticket.by());
        summary.put("image", ticket.spec().image());
        summary.put("imageId", ticket.revision().imageId());
        summary.put("begunAt", ticket.at().toString());
        past.ended().ifPresent(ended -> summary.put("endedAt", ended.toString()));
        summary.put("lastLine", past.lastLine());
        return summary;
    }

    private void one(RoutingContext context) {
        String id = id(context);
        Journal.Past past = journal.find(id).orElseThrow(() -> noRollout(id));
        ApiServer.send(context, 200, summary(past));
    }

    private static String id(RoutingContext context) {
        return Objects.requireNonNull(context.pathParam("id"));
    }

    private static Refused noRollout(String id) {
        return new Refused(Refused.Why.USAGE, "there is no rollout '" + id + "'; 'rollout history' lists them");
    }

    /** What was written about a rollout, from where the follower was, until its end. */
    private void events(RoutingContext context) throws InterruptedException {
        String id = id(context);
        String last = context.request().getHeader("Last-Event-ID");
        long seen = last == null ? 0 : Long.parseLong(last);
        context.response().setChunked(true).putHeader("Content-Type", "text/event-stream");
        boolean known = false;
        while (!context.response().closed()) {
            long news = host.news(); // before it is read: what is written meanwhile is not waited for
            // before its last words are: with them it may be known no more, and with a full disk it may have none
            boolean over = !known && !rollouts.knows(id) && journal.find(id).isEmpty();
            for (Journal.Entry entry : journal.entries(id, seen)) {
                seen = entry.seq();
                known = true;
                context.response()
                        .write("id: " + seen + "\nevent: " + entry.kind() + "\ndata: " + Json.text(entry) + "\n\n");
                if (entry.kind().equals("end")) {
                    context.response().end();
                    return;
                }
            }
            if (over && !known) {
                if (!context.response().headWritten()) {
                    throw noRollout(id);
                }
                context.response().end();
                return;
            }
            host.awaitNews(news, NEWS_MILLIS);
        }
    }

    private void abort(RoutingContext context) {
        String id = id(context);
        if (!rollouts.abort(id)) {
            Journal.Past past = journal.find(id).orElseThrow(() -> noRollout(id));
            throw new Refused(Refused.Why.USAGE, "the rollout " + id + " is over: " + past.lastLine());
        }
        ApiServer.send(context, 202, Map.of("id", id));
    }

    private void services(RoutingContext context) {
        String project = Objects.requireNonNullElse(context.request().getParam("project"), "");
        List<Map<String, Object>> services = new ArrayList<>();
        for (String service : context.request().params().getAll("service")) {
            services.add(status(new ServiceKey(project, service)));
        }
        ApiServer.send(context, 200, Map.of("services", services));
    }

    private Map<String, Object> status(ServiceKey key) {
        Map<String, Object> status = new LinkedHashMap<>();
        status.put("project", key.project());
        status.put("service", key.service());
        List<Map<String, Object>> instances = new ArrayList<>();
        for (Instance instance : rollouts.instances(key)) {
            Map<String, Object> shown = new LinkedHashMap<>();
            shown.put("id", instance.id());
            shown.put("name", instance.name());
            shown.put("state", instance.state().name().toLowerCase(Locale.ROOT));
            shown.put("generation", instance.generation());
            shown.put("image", instance.image());
            shown.put("createdAt", Instant.ofEpochSecond(instance.createdAt()).toString());
            instances.add(shown);
        }
        status.put("instances", instances);
        rollouts.inProgress(key).ifPresent(id -> {
            status.put("rollout", id);
            journal.find(id).ifPresent(past -> status.put("phase", past.phase().name()));
        });
        journal.history(Optional.of(key), 1).stream()
                .findFirst()
                .ifPresent(past -> status.put("last", past.lastLine()));
        journal.lock(key)
                .ifPresent(lock -> status.put(
                        "lock",
                        Map.of(
                                "by",
                                lock.by(),
                                "reason",
                                lock.reason(),
                                "since",
                                lock.since().toString())));
        return status;
    }

    private static ServiceKey key(RoutingContext context) {
        return new ServiceKey(
                Objects.requireNonNull(context.pathParam("project")),
                Objects.requireNonNull(context.pathParam("service")));
    }

    private void undo(RoutingContext context) throws IOException {
        JsonNode body = ApiServer.body(context);
        String to = body.path("to").asText("");
        String order = body.path("order").asText("");
        begun(
                context,
                rollouts.undo(
                        key(context),
                        to.isEmpty() ? Optional.empty() : Optional.of(to),
                        order.isEmpty() ? Optional.empty() : Optional.of(Order.valueOf(order)),
                        body.path("by").asText("unknown")));
    }

    private void lock(RoutingContext context) throws IOException {
        JsonNode body = ApiServer.body(context);
        Journal.Lock lock = new Journal.Lock(
                body.path("by").asText("unknown"), body.path("reason").asText(""), Instant.now());
        journal.lock(key(context), lock);
        ApiServer.send(context, 200, lock);
    }

    private void unlock(RoutingContext context) {
        if (!journal.unlock(key(context))) {
            throw new Refused(Refused.Why.USAGE, key(context) + " is not locked");
        }
        ApiServer.send(context, 200, Map.of("unlocked", key(context).toString()));
    }

    private void pause(RoutingContext context) {
        rollouts.pause(key(context));
        ApiServer.send(context, 200, Map.of("paused", key(context).toString()));
    }

    private void resume(RoutingContext context) {
        rollouts.resume(key(context));
        ApiServer.send(context, 200, Map.of("resumed", key(context).toString()));
    }

    private void logs(RoutingContext context) {
        String tail = Objects.requireNonNullElse(context.request().getParam("tail"), "100");
        boolean follow = "true".equals(context.request().getParam("follow"));
        List<Instance> running = rollouts.instances(key(context)).stream()
                .sorted(java.util.Comparator.comparingLong(Instance::createdAt))
                .toList();
        if (running.isEmpty()) {
            throw new Refused(Refused.Why.USAGE, key(context) + " has no container");
        }
        context.response().setChunked(true).putHeader("Content-Type", "text/plain; charset=utf-8");
        host.logs(
                running.getLast().id(),
                tail,
                follow,
                chunk -> context.response().write(Buffer.buffer(chunk)));
        context.response().end();
    }

    private void prune(RoutingContext context) {
        ApiServer.send(
                context,
                200,
                Map.of(
                        "removed",
                        host.prune(key(
                                context.request().getParam("project"),
                                context.request().getParam("service")))));
    }
}
