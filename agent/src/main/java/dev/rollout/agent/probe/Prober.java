package dev.rollout.agent.probe;

import dev.rollout.agent.model.Durations;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.Readiness.Check;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.rollout.ContainerEngine;
import dev.rollout.agent.rollout.EngineRefused;
import dev.rollout.agent.rollout.ReadinessProbe;
import dev.rollout.agent.rollout.RoleKeeper;
import dev.rollout.agent.time.Waiter;
import dev.rollout.check.CheckResult;
import dev.rollout.check.HttpCheck;
import dev.rollout.check.StatusRange;
import dev.rollout.check.TcpCheck;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Asks an instance again and again, and keeps what it said. */
public final class Prober implements ReadinessProbe {
    private static final int KEPT_ANSWERS = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(5);
    private static final Duration JUST_RUNNING = Duration.ofSeconds(5);

    /** What an answer is that is not the instance's. */
    static final String ANOTHERS = "another process of the shared network answered on port ";

    private final ContainerEngine engine;
    private final RoleKeeper roles;
    private final Waiter waiter;

    public Prober(ContainerEngine engine, RoleKeeper roles, Waiter waiter) {
        this.engine = engine;
        this.roles = roles;
        this.waiter = waiter;
    }

    @Override
    public Verdict until(Instance instance, ServiceSpec spec, CompletableFuture<?> interrupted)
            throws InterruptedException {
        long start = waiter.nanos();
        ContainerEngine.Reach reach = reach(instance);
        Readiness readiness = resolved(spec.readiness(), reach);
        if (readiness.check() instanceof Check.FromImage) {
            return waiter.await(interrupted, JUST_RUNNING)
                    ? new Verdict.Interrupted(0, List.of())
                    : new Verdict.Ready("it has been running for " + JUST_RUNNING.toSeconds()
                            + " s (it has no healthcheck and no port to ask; set x-rollout.readiness)");
        }
        ArrayDeque<String> answers = new ArrayDeque<>();
        int asked = 0;
        int inARow = 0;
        long readySince = 0;
        while (true) {
            if (interrupted.isDone()) {
                return new Verdict.Interrupted(asked, List.copyOf(answers));
            }
            CheckResult result = ask(readiness, instance, spec, reach);
            asked++;
            remember(answers, result, start);
            inARow = result.passed() ? inARow + 1 : 0;
            if (inARow == 1) {
                readySince = waiter.nanos();
            }
            if (inARow >= readiness.successes()
                    && waiter.nanos() - readySince >= readiness.minReady().toNanos()) {
                return new Verdict.Ready(readiness.words() + " passed " + inARow + " times in a row within "
                        + Durations.words(since(start)));
            }
            Duration left = readiness.deadline().minus(since(start));
            if (left.isNegative() || left.isZero()) {
                return new Verdict.NotReady(
                        readiness.words() + " did not pass " + readiness.successes() + " times in a row within "
                                + Durations.words(readiness.deadline()) + " (" + asked + " checks)",
                        List.copyOf(answers),
                        LikelyCause.of(readiness, result, reach(instance)));
            }
            Duration pause = result.passed() ? readiness.interval() : afterFailure(asked, readiness);
            waiter.await(interrupted, left.compareTo(pause) < 0 ? left : pause);
        }
    }

    /** Many services are up within milliseconds: the first pauses are shorter than the interval. */
    private static Duration afterFailure(int asked, Readiness readiness) {
        Duration early = FIRST_PAUSE.multipliedBy(1L << Math.min(asked, 10));
        return early.compareTo(readiness.interval()) < 0 ? early : readiness.interval();
    }

    @Override
    public boolean again(Instance instance, ServiceSpec spec) {
        try {
            ContainerEngine.Reach reach = reach(instance);
            Readiness readiness = resolved(spec.readiness(), reach);
            return readiness.check() instanceof Check.FromImage
                    || ask(readiness, instance, spec, reach).passed();
        } catch (EngineRefused e) {
            return false; // gone: the watch on its exit tells
        }
    }

    private ContainerEngine.Reach reach(Instance instance) {
        return engine.reach(instance.id());
    }

    /** What the image says, where the file leaves it to the image. */
    private Readiness resolved(Readiness readiness, ContainerEngine.Reach reach) {
        if (!(readiness.check() instanceof Check.FromImage)) {
            return readiness;
        }
        if (!reach.healthTest().isEmpty()) {
            return readiness.with(new Check.Exec(reach.healthTest()));
        }
        return reach.exposed() > 0 && !engine.isolation().ownNetwork()
                ? readiness.with(new Check.Tcp(reach.exposed()))
                : readiness;
    }

    private CheckResult ask(Readiness readiness, Instance instance, ServiceSpec spec, ContainerEngine.Reach reach) {
        return switch (readiness.check()) {
            case Check.Http http -> {
                CheckResult result = http(http, "GET", readiness.timeout(), reach);
                yield http.unix() == null ? own(result, http.port(), instance, reach) : result;
            }
            case Check.Tcp tcp ->
                reach.address().isEmpty()
                        ? noAddress()
                        : own(
                                new TcpCheck(
                                                new InetSocketAddress(
                                                        reach.address().get(), tcp.port()),
                                                readiness.timeout())
                                        .run(),
                                tcp.port(),
                                instance,
                                reach);
            case Check.Exec exec -> exec(exec, readiness, instance);
            case Check.RoleReady role -> {
                boolean ready =
                        roles.ready(spec.key(), RoleKeeper.name(spec.key(), instance.generation(), instance.slot()));
                yield ready
                        ? new CheckResult(CheckResult.Verdict.PASSED, "ready", Duration.ZERO)
                        : new CheckResult(CheckResult.Verdict.FAILED, "has not said that it is ready", Duration.ZERO);
            }
            case Check.FromImage image -> throw new IllegalStateException("resolved before it is asked");
        };
    }

    /** In a network that the versions share the other one may have answered. */
    private CheckResult own(CheckResult result, int port, Instance instance, ContainerEngine.Reach reach) {
        return result.passed() && reach.shared() && !reach(instance).listening().contains(port)
                ? new CheckResult(CheckResult.Verdict.FAILED, ANOTHERS + port, result.took())
                : result;
    }

    @Override
    public String post(String container, Check.Http to, Duration timeout) {
        CheckResult result = http(to, "POST", timeout, engine.reach(container));
        return result.passed() ? "" : result.detail();
    }

    private static CheckResult http(Check.Http http, String method, Duration timeout, ContainerEngine.Reach reach) {
        Map<String, String> headers = new java.util.LinkedHashMap<>(http.headers());
        if (http.host() != null) {
            headers.put("Host", http.host());
        }
        StatusRange status = StatusRange.parse(http.status());
        if (http.unix() != null) {
            // the container's own root, seen from the host
            return new HttpCheck(
                            UnixDomainSocketAddress.of("/proc/" + reach.pid() + "/root" + http.unix()),
                            http.tls(),
                            http.path(),
                            headers,
                            status,
                            timeout)
                    .send(method);
        }
        return reach.address().isEmpty()
                ? noAddress()
                : new HttpCheck(
                                new InetSocketAddress(reach.address().get(), http.port()),
                                http.tls(),
                                http.path(),
                                headers,
                                status,
                                timeout)
                        .send(method);
    }

    private CheckResult exec(Check.Exec exec, Readiness readiness, Instance instance) {
        long start = waiter.nanos();
        ContainerEngine.Executed ran =
                engine.exec(instance.id(), ContainerEngine.Command.of(exec.command()), readiness.timeout());
        Duration took = since(start);
        if (ran.exitCode().isEmpty()) {
            return new CheckResult(
                    CheckResult.Verdict.UNREACHABLE, "timed out after " + Durations.words(readiness.timeout()), took);
        }
        String output = ran.output().lines().findFirst().orElse("");
        return new CheckResult(
                ran.exitCode().get() == 0 ? CheckResult.Verdict.PASSED : CheckResult.Verdict.FAILED,
                "exit code " + ran.exitCode().get() + (output.isEmpty() ? "" : ": " + output),
                took);
    }

    private static CheckResult noAddress() {
        return new CheckResult(
                CheckResult.Verdict.UNREACHABLE, "the container has no address (network_mode: none?)", Duration.ZERO);
    }

    private void remember(ArrayDeque<String> answers, CheckResult result, long start) {
        String line = "+" + Durations.words(since(start)) + "  " + result.detail();
        answers.addLast(line);
        if (answers.size() > KEPT_ANSWERS) {
            answers.removeFirst();
        }
    }

    private Duration since(long start) {
        return Duration.ofNanos(waiter.nanos() - start);
    }
}
