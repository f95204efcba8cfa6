package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a rollout says, on stderr: a line a step with timers on a terminal, plain lines without one, JSON, or nothing. */
class Progress implements AutoCloseable {
    /** How to show it. */
    enum Style {
        AUTO,
        TTY,
        PLAIN,
        JSON,
        QUIET
    }

    static Style style(Line line) {
        return line.choice("progress", Style.AUTO);
    }

    private static final Map<String, String> STEPS = Map.of(
            "STARTING", "Starting",
            "PROBING", "Probing",
            "PROMOTING", "Promoting",
            "DRAINING", "Draining",
            "MONITORING", "Monitoring",
            "RETIRING", "Retiring",
            "PACING", "Waiting",
            "SETTLING", "Settling",
            "ROLLING_BACK", "Rolling back",
            "RESTORING_BATCH", "Restoring");
    private static final String[] SPIN = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    private static final long FRAME_MILLIS = 100;

    private final PrintStream err;
    private final Style style;
    private final boolean colour;
    private @Nullable String step;
    private long stepStart;
    private int frame;
    private volatile boolean closed;

    Progress(Style wanted, PrintStream err) {
        boolean terminal = System.console() != null
                && System.console().isTerminal()
                && System.getenv("TERM") != null
                && !"dumb".equals(System.getenv("TERM"));
        this.err = err;
        this.style = wanted == Style.AUTO ? (terminal ? Style.TTY : Style.PLAIN) : wanted;
        this.colour = style == Style.TTY && System.getenv("NO_COLOR") == null;
        if (style == Style.TTY) {
            Thread.ofPlatform().daemon().name("progress").start(this::spin);
        }
    }

    synchronized void take(String id, String service, JsonNode event) {
        String kind = event.path("kind").asText();
        String text = event.path("text").asText();
        switch (style) {
            case QUIET -> {}
            case JSON -> json(id, service, event);
            case TTY, PLAIN, AUTO -> show(kind, text, service, event);
        }
    }

    private void json(String id, String service, JsonNode event) {
        ObjectNode line = event.deepCopy();
        line.put("rollout", id).put("service", service);
        err.println(line);
    }

    private void show(String kind, String text, String service, JsonNode event) {
        switch (kind) {
            case "intent" -> begin(text, service, event);
            case "outcome", "plan", "end" -> {}
            case "failure" -> {
                finish("✘", "31");
                err.println("  " + paint("31", "failed: ") + text);
                event.path("details").fields().forEachRemaining(detail -> {
                    err.println("  " + detail.getKey() + ":");
                    detail.getValue().asText().lines().forEach(line -> err.println("    " + line));
                });
            }
            default -> {
                clear();
                err.println("  " + service + "  " + text);
            }
        }
        if (kind.equals("outcome")) {
            boolean bad = text.endsWith("FAILED") || text.equals("ABORT_REQUESTED");
            finish(bad ? "✘" : "✔", bad ? "31" : "32");
        }
    }

    private void begin(String phase, String service, JsonNode event) {
        step = service + "  "
                + STEPS.getOrDefault(phase, phase.charAt(0) + phase.substring(1).toLowerCase(Locale.ROOT));
        stepStart = Instant.parse(event.path("at").asText()).toEpochMilli();
        if (style == Style.PLAIN && STEPS.containsKey(phase)) {
            err.println("  " + step);
            step = null;
        }
        draw();
    }

    private void finish(String mark, String ansi) {
        String ended = step;
        step = null;
        if (ended != null && style == Style.TTY) {
            clear();
            err.println(" " + paint(ansi, mark) + " " + ended + "  " + seconds());
        }
    }

    private void spin() {
        while (!closed) {
            draw();
            try {
                Thread.sleep(FRAME_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private synchronized void draw() {
        if (style == Style.TTY && step != null && !closed) {
            frame = (frame + 1) % SPIN.length;
            err.print("\r\033[K " + SPIN[frame] + " " + step + "  " + seconds());
            err.flush();
        }
    }

    private void clear() {
        if (style == Style.TTY) {
            err.print("\r\033[K");
        }
    }

    private String seconds() {
        return String.format(Locale.ROOT, "%.1fs", Math.max(0, System.currentTimeMillis() - stepStart) / 1000.0);
    }

    private String paint(String ansi, String text) {
        return colour ? "\033[" + ansi + "m" + text + "\033[0m" : text;
    }

    @Override
    public synchronized void close() {
        closed = true;
        clear();
    }
}
