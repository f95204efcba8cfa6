package dev.rollout.sidecar;

import dev.rollout.check.CheckResult;
import dev.rollout.contract.Role;
import dev.rollout.lib.Rollout;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A small process beside an app that cannot tell its own health, or has no SQLite for the contract.
 *
 * <pre>
 * sidecar check http://127.0.0.1:8080/ready     one check: exit code 0 or 1, and a line
 * sidecar serve                                 answers health, role and claims over HTTP until it is stopped
 * sidecar run -- APP ARG…                       serves, and runs the app beside itself: SIGTERM and the drain go on to it
 * </pre>
 */
public final class Sidecar {
    private static final int USAGE = 2;
    private static final int CANNOT = 69;
    private static final int DRAIN_MILLIS = 2000;
    private static final long LOOK_MILLIS = 20;

    private Sidecar() {}

    /** Ends with the app's exit code, 0 where it was stopped, 1 where a check failed, 2 for bad usage. */
    public static void main(String[] args) {
        int code;
        try {
            code = run(args, System.getenv());
        } catch (IllegalArgumentException e) {
            System.err.println("sidecar: " + e.getMessage());
            code = USAGE;
        } catch (IOException e) {
            System.err.println("sidecar: " + e.getMessage());
            code = CANNOT;
        } catch (InterruptedException e) {
            code = 1;
        }
        Runtime.getRuntime().halt(code);
    }

    static int run(String[] args, Map<String, String> environment) throws IOException, InterruptedException {
        String verb = args.length == 0 ? "" : args[0];
        if (verb.equals("check") && args.length == 2) {
            Supplier<CheckResult> check = Check.parse(args[1]);
            CheckResult result = check.get();
            System.out.println(result.detail() + " in " + result.took().toMillis() + " ms");
            return result.passed() ? 0 : 1;
        } else if (verb.equals("serve") && args.length == 1) {
            return serve(Settings.from(environment), null);
        } else if (verb.equals("run") && args.length > 2 && args[1].equals("--")) {
            return serve(Settings.from(environment), Arrays.asList(args).subList(2, args.length));
        }
        throw new IllegalArgumentException(
                "usage: sidecar check http://HOST:PORT/PATH | https://... | unix:/SOCKET[:/PATH] |"
                        + " tcp://HOST:PORT\n       sidecar serve\n       sidecar run -- APP ARG...");
    }

    private static int serve(Settings settings, @Nullable List<String> command)
            throws IOException, InterruptedException {
        Components components = new Components(System::nanoTime);
        CountDownLatch stop = new CountDownLatch(1);
        try (Rollout rollout = Rollout.join();
                HttpServer server = new HttpServer(new Routes(components, rollout))) {
            settings.components().forEach(components::declare);
            HttpServer.start("ready", () -> tell(components, rollout));
            Reports reports = new Reports(components);
            if (settings.reports() != null) {
                reports.socket(Path.of(settings.reports()));
            }
            if (settings.files() != null) {
                reports.files(Path.of(settings.files()));
            }
            settings.probes().forEach(reports::probe);
            for (SocketAddress address : settings.listen()) {
                server.listen(address);
            }
            App app = command == null ? null : new App(command);
            rollout.onRole((from, to) -> {
                if (to == Role.DRAINING) {
                    drain(settings, app);
                }
            });
            Thread main = Thread.currentThread();
            Runtime.getRuntime()
                    .addShutdownHook(new Thread(() -> stopping(components, settings, app, stop, main), "stop"));
            if (app != null) {
                return app.await();
            }
            stop.await();
            return 0;
        }
    }

    /** Hands readiness on to the agent; a report may also grow too old, so it is looked at, not only listened for. */
    private static void tell(Components components, Rollout rollout) {
        boolean said = false;
        while (true) {
            boolean ready = components.ready();
            if (ready != said) {
                said = ready;
                if (ready) {
                    rollout.ready();
                } else {
                    rollout.notReady();
                }
            }
            Reports.pause(LOOK_MILLIS);
        }
    }

    /** SIGTERM: nothing is ready any more, the app hears of it, and its end is waited for. */
    private static void stopping(
            Components components, Settings settings, @Nullable App app, CountDownLatch stop, Thread main) {
        components.stopping();
        if (app == null) {
            drain(settings, null);
        } else {
            app.terminate();
        }
        stop.countDown();
        try {
            main.join(); // it halts with the app's exit code; the container's grace is the limit
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void drain(Settings settings, @Nullable App app) {
        if (app != null && settings.drainSignal() != null) {
            app.signal(settings.drainSignal());
        }
        String url = settings.drainUrl();
        if (url != null) {
            try {
                HttpURLConnection post =
                        (HttpURLConnection) URI.create(url).toURL().openConnection();
                post.setRequestMethod("POST");
                post.setConnectTimeout(DRAIN_MILLIS);
                post.setReadTimeout(DRAIN_MILLIS);
                System.err.println("sidecar: drain told: " + post.getResponseCode());
            } catch (IOException e) {
                System.err.println("sidecar: drain could not be told to " + url + ": " + e.getMessage());
            }
        }
    }
}
