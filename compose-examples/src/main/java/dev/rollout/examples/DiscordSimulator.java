package dev.rollout.examples;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import io.vertx.core.parsetools.RecordParser;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Discord as a bot sees it, for tests and the demo: the gateway (HELLO, IDENTIFY, READY, RESUME, heartbeats, sequence
 * numbers, several sessions with one token and shard, each of which gets every event) and the few REST calls of a bot
 * that answers messages. It is as strict as the real one about logins: one in {@code IDENTIFY_SECONDS}, and after
 * {@code IDENTIFY_LIMIT} of them the token is reset and every session is closed.
 *
 * <p>Port 8080 is Discord; port 7000 takes lines, as the example's {@link EventGateway}: {@code START}, {@code STOP},
 * {@code DROP} (cuts every connection, to be resumed), {@code BEHIND} (at the next login, cuts the others and lets the
 * new session begin a little later: what is sent in between only the others get, when they resume, which takes seconds),
 * {@code REPORT}.
 */
public final class DiscordSimulator {
    private static final int DISPATCH = 0;
    private static final int HEARTBEAT = 1;
    private static final int IDENTIFY = 2;
    private static final int RESUME = 6;
    private static final int INVALID_SESSION = 9;
    private static final int HELLO = 10;
    private static final int HEARTBEAT_ACK = 11;
    private static final short TOKEN_REFUSED = 4004;
    private static final short UNKNOWN_OP = 4001;
    private static final short NOT_IDENTIFIED = 4003;
    private static final int KEPT = 10_000;
    private static final long LOGIN_MILLIS = 500;
    private static final long RESUME_MILLIS = 3000;
    private static final long SEND_MILLIS = 20; // 50 messages a second
    private static final String BOT = "100000000000000001";
    private static final String USER = "100000000000000002";
    private static final String GUILD = "100000000000000003";
    private static final String CHANNEL = "100000000000000004";
    private static final long FIRST_MESSAGE = 200_000_000_000_000_000L;

    /** A session outlives its connection, so that it can be resumed; what was sent in it is kept for that. */
    private static final class Session {
        final String id;
        final Deque<JsonObject> sent = new ArrayDeque<>();
        int sequence;

        @Nullable
        ServerWebSocket socket;

        Session(String id) {
            this.id = id;
        }

        void dispatch(String type, JsonObject data) {
            JsonObject event = new JsonObject()
                    .put("op", DISPATCH)
                    .put("t", type)
                    .put("s", ++sequence)
                    .put("d", data);
            sent.addLast(event);
            if (sent.size() > KEPT) {
                sent.removeFirst();
            }
            if (socket != null && !socket.isClosed()) {
                socket.writeTextMessage(event.encode());
            }
        }
    }

    private final Vertx vertx = Vertx.vertx();
    private final int limit = Integer.parseInt(System.getenv().getOrDefault("IDENTIFY_LIMIT", "1000"));
    private final long pauseMillis = 1000 * Long.parseLong(System.getenv().getOrDefault("IDENTIFY_SECONDS", "5"));
    private final Map<String, Session> sessions = new LinkedHashMap<>();
    private final Map<Long, List<String>> answers = new HashMap<>();
    private final Set<String> nonces = new HashSet<>();
    private boolean sending;
    private boolean behind;
    private boolean slow;
    private long messages;
    private int identifies;
    private int tooSoon;
    private int resumes;
    private int repeatedNonces;
    private long lastIdentify = Long.MIN_VALUE / 2;

    private DiscordSimulator() {}

    public static void main(String[] args) {
        new DiscordSimulator().run();
    }

    /** All on one event loop: no locks. */
    private void run() {
        vertx.runOnContext(start -> {
            vertx.createHttpServer()
                    .webSocketHandler(this::gateway)
                    .requestHandler(request -> request.body().onSuccess(body -> rest(request, body)))
                    .listen(8080);
            vertx.createNetServer().connectHandler(this::control).listen(7000);
            vertx.setPeriodic(SEND_MILLIS, tick -> send());
            System.out.println("Discord's stand-in listens on 8080, for control on 7000");
        });
    }

    private void send() {
        if (sending && !sessions.isEmpty()) {
            long id = FIRST_MESSAGE + ++messages;
            answers.put(id, new ArrayList<>());
            JsonObject message = message(Long.toString(id), USER, "message " + messages, false)
                    .put("guild_id", GUILD)
                    .put("member", member());
            sessions.values().forEach(session -> session.dispatch("MESSAGE_CREATE", message));
        }
    }

    private void gateway(ServerWebSocket socket) {
        Session[] mine = new Session[1];
        send(socket, HELLO, new JsonObject().put("heartbeat_interval", 5000));
        socket.textMessageHandler(text -> {
            JsonObject frame = new JsonObject(text);
            switch (frame.getInteger("op", -1)) {
                case HEARTBEAT -> send(socket, HEARTBEAT_ACK, new JsonObject());
                case IDENTIFY -> identify(socket, mine);
                case RESUME -> resume(socket, mine, frame.getJsonObject("d"));
                case 3, 4, 8 -> {} // presence, voice, members: nothing to do
                default ->
                    socket.close(mine[0] == null ? NOT_IDENTIFIED : UNKNOWN_OP, "what is op " + frame.getValue("op"));
            }
        });
        socket.closeHandler(closed -> {
            if (mine[0] != null && mine[0].socket == socket) {
                mine[0].socket = null;
                boolean ended = socket.closeStatusCode() != null && socket.closeStatusCode() == 1000;
                if (ended) {
                    sessions.remove(mine[0].id); // a bot that says good-bye does not come back
                }
            }
        });
    }

    private void identify(ServerWebSocket socket, Session[] mine) {
        long now = System.currentTimeMillis();
        if (++identifies > limit) {
            System.out.println("login " + identifies + " of " + limit + ": the token is reset");
            new ArrayList<>(sessions.values()).forEach(session -> {
                if (session.socket != null) {
                    session.socket.close(TOKEN_REFUSED, "Authentication failed.");
                }
            });
            sessions.clear();
            socket.close(TOKEN_REFUSED, "Authentication failed.");
            return;
        }
        if (now - lastIdentify < pauseMillis) {
            tooSoon++;
            send(socket, INVALID_SESSION, false);
            return;
        }
        lastIdentify = now;
        if (behind) {
            behind = false;
            drop();
            slow = true;
            vertx.setTimer(LOGIN_MILLIS, later -> begin(socket, mine));
        } else {
            begin(socket, mine);
        }
    }

    private void begin(ServerWebSocket socket, Session[] mine) {
        Session session = new Session("session-" + identifies);
        mine[0] = session;
        session.socket = socket;
        sessions.put(session.id, session);
        System.out.println("login " + identifies + ", " + sessions.size() + " session(s)");
        session.dispatch(
                "READY",
                new JsonObject()
                        .put("v", 10)
                        .put("user", user(BOT, true))
                        .put(
                                "guilds",
                                new JsonArray()
                                        .add(new JsonObject().put("id", GUILD).put("unavailable", true)))
                        .put("private_channels", new JsonArray())
                        .put("session_id", session.id)
                        .put("resume_gateway_url", System.getenv().getOrDefault("RESUME_URL", "ws://discord:8080"))
                        .put("application", new JsonObject().put("id", BOT).put("flags", 0))
                        .put("shard", new JsonArray().add(0).add(1)));
        session.dispatch("GUILD_CREATE", guild());
    }

    private void resume(ServerWebSocket socket, Session[] mine, JsonObject data) {
        Session session = sessions.get(data.getString("session_id"));
        if (session == null) {
            send(socket, INVALID_SESSION, false);
            return;
        }
        resumes++;
        mine[0] = session;
        if (slow) {
            slow = false;
            vertx.setTimer(RESUME_MILLIS, later -> catchUp(socket, session, data.getInteger("seq")));
        } else {
            catchUp(socket, session, data.getInteger("seq"));
        }
    }

    private static void catchUp(ServerWebSocket socket, Session session, int seen) {
        session.socket = socket;
        for (JsonObject event : new ArrayList<>(session.sent)) {
            if (event.getInteger("s") > seen) {
                socket.writeTextMessage(event.encode());
            }
        }
        session.dispatch("RESUMED", new JsonObject());
    }

    private static void send(ServerWebSocket socket, int op, Object data) {
        socket.writeTextMessage(new JsonObject()
                .put("op", op)
                .put("d", data)
                .putNull("s")
                .putNull("t")
                .encode());
    }

    private void rest(HttpServerRequest request, Buffer body) {
        String path = request.path().replaceFirst("^/api/v\\d+", "");
        JsonObject answer;
        if (path.equals("/users/@me")) {
            answer = user(BOT, true);
        } else if (path.equals("/gateway/bot")) {
            answer = new JsonObject()
                    .put("url", "ws://discord:8080")
                    .put("shards", 1)
                    .put(
                            "session_start_limit",
                            new JsonObject()
                                    .put("total", limit)
                                    .put("remaining", Math.max(0, limit - identifies))
                                    .put("reset_after", 86_400_000)
                                    .put("max_concurrency", 1));
        } else if (path.equals("/channels/" + CHANNEL + "/messages")) {
            JsonObject posted = new JsonObject(body);
            String content = posted.getString("content");
            long number = Long.parseLong(content.substring(content.lastIndexOf(' ') + 1));
            List<String> given = answers.get(FIRST_MESSAGE + number);
            if (given != null) {
                given.add(request.remoteAddress().hostAddress());
            }
            repeatedNonces += nonces.add(posted.getString("nonce", "none")) ? 0 : 1;
            answer = message(Long.toString(FIRST_MESSAGE * 2 + number), BOT, content, true);
        } else {
            request.response().setStatusCode(404).end("{\"message\": \"404: Not Found\", \"code\": 0}");
            System.out.println("no such call: " + request.method() + " " + request.path());
            return;
        }
        request.response().putHeader("Content-Type", "application/json").end(answer.encode());
    }

    private static JsonObject user(String id, boolean bot) {
        return new JsonObject()
                .put("id", id)
                .put("username", bot ? "bot" : "visitor")
                .put("discriminator", "0")
                .putNull("global_name")
                .putNull("avatar")
                .put("bot", bot)
                .put("public_flags", 0)
                .put("flags", 0);
    }

    private static JsonObject member() {
        return new JsonObject()
                .put("roles", new JsonArray())
                .put("joined_at", "2026-01-01T00:00:00+00:00")
                .put("deaf", false)
                .put("mute", false)
                .put("flags", 0);
    }

    private static JsonObject message(String id, String author, String content, boolean bot) {
        return new JsonObject()
                .put("id", id)
                .put("type", 0)
                .put("channel_id", CHANNEL)
                .put("content", content)
                .put("author", user(author, bot))
                .put("timestamp", "2026-01-01T00:00:00.000000+00:00")
                .putNull("edited_timestamp")
                .put("tts", false)
                .put("mention_everyone", false)
                .put("mentions", new JsonArray())
                .put("mention_roles", new JsonArray())
                .put("attachments", new JsonArray())
                .put("embeds", new JsonArray())
                .put("components", new JsonArray())
                .put("pinned", false)
                .put("flags", 0);
    }

    private static JsonObject guild() {
        JsonObject everyone = new JsonObject()
                .put("id", GUILD)
                .put("name", "@everyone")
                .put("permissions", "1071698660929")
                .put("position", 0)
                .put("color", 0)
                .put("colors", new JsonObject().put("primary_color", 0))
                .put("hoist", false)
                .put("managed", false)
                .put("mentionable", false)
                .put("flags", 0);
        JsonObject channel = new JsonObject()
                .put("id", CHANNEL)
                .put("type", 0)
                .put("name", "general")
                .put("position", 0)
                .put("guild_id", GUILD)
                .put("permission_overwrites", new JsonArray());
        JsonObject guild = new JsonObject()
                .put("id", GUILD)
                .put("name", "guild")
                .put("owner_id", USER)
                .put("unavailable", false)
                .put("member_count", 2)
                .put("verification_level", 0)
                .put("default_message_notifications", 0)
                .put("explicit_content_filter", 0)
                .put("mfa_level", 0)
                .put("nsfw_level", 0)
                .put("afk_timeout", 300)
                .put("premium_tier", 0)
                .put("premium_progress_bar_enabled", false)
                .put("preferred_locale", "en-US")
                .put("system_channel_flags", 0)
                .put("features", new JsonArray())
                .put("roles", new JsonArray().add(everyone))
                .put("channels", new JsonArray().add(channel))
                .put("members", new JsonArray().add(member().put("user", user(BOT, true))));
        for (String none : List.of(
                "emojis",
                "stickers",
                "threads",
                "presences",
                "voice_states",
                "guild_scheduled_events",
                "stage_instances")) {
            guild.put(none, new JsonArray());
        }
        return guild;
    }

    private void control(NetSocket socket) {
        socket.handler(RecordParser.newDelimited("\n", line -> {
            switch (line.toString().strip()) {
                case "START" -> sending = true;
                case "STOP" -> sending = false;
                case "DROP" -> drop();
                case "BEHIND" -> behind = true;
                case "REPORT" -> socket.write(report() + "\n");
                default -> socket.write("what is " + line + "?\n");
            }
        }));
    }

    private void drop() {
        sessions.values().forEach(session -> {
            if (session.socket != null) {
                session.socket.close((short) 4000, "go and resume");
            }
        });
    }

    private String report() {
        Map<String, Integer> by = new TreeMap<>();
        answers.values().forEach(given -> given.forEach(address -> by.merge(address, 1, Integer::sum)));
        return "events=" + messages + " unanswered="
                + answers.values().stream().filter(List::isEmpty).count()
                + " twice="
                + answers.values().stream().filter(given -> given.size() > 1).count()
                + " by=" + by + " identifies=" + identifies + " tooSoon=" + tooSoon + " resumes=" + resumes
                + " repeatedNonces=" + repeatedNonces + missing();
    }

    private String missing() {
        List<Long> missing = answers.entrySet().stream()
                .filter(answer -> answer.getValue().isEmpty())
                .map(answer -> answer.getKey() - FIRST_MESSAGE)
                .sorted()
                .limit(20)
                .toList();
        return missing.isEmpty() ? "" : " missing=" + missing;
    }
}
