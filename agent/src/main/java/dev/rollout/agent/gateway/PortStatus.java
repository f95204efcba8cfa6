package dev.rollout.agent.gateway;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.rollout.agent.rollout.ClientCounts;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a published port does, and what it has done since its service has it. Where a gateway takes over from another, what
 * both say is added: clients and counters know one port.
 *
 * @param drained requests that leaving instances have finished by themselves
 * @param cut requests and connections that were ended at a deadline
 * @param micros how many requests took at most so many microseconds, and more than the class before
 * @param sumMicros how long all requests took together
 * @param redirectedFrom the port that is listened on where Docker, or an elder gateway, has the published one; else 0
 * @param stale whether it is served in another way than its route wants
 */
record PortStatus(
        String project,
        String service,
        String listen,
        String mode,
        boolean paused,
        long requests,
        long errors,
        long retries,
        long held,
        long drained,
        long cut,
        long bytesIn,
        long bytesOut,
        int connections,
        SortedMap<Long, Long> micros,
        long sumMicros,
        int redirectedFrom,
        boolean stale,
        List<TargetStatus> targets) {

    /** @param state ready, unreachable, draining, or stopped: it has no address then */
    record TargetStatus(String instance, String address, String state, int inFlight, long requests, long errors) {
        private boolean same(TargetStatus other) {
            return instance.equals(other.instance) && address.equals(other.address);
        }

        private TargetStatus past() {
            return new TargetStatus(instance, address, state, 0, requests, errors);
        }

        private TargetStatus plus(TargetStatus elder) {
            return new TargetStatus(
                    instance,
                    address,
                    state,
                    inFlight + elder.inFlight,
                    requests + elder.requests,
                    errors + elder.errors);
        }
    }

    static PortStatus of(Port port, Listener listener) {
        Route route = port.route();
        return new PortStatus(
                route.project(),
                route.service(),
                route.listen(),
                route.mode().name().toLowerCase(java.util.Locale.ROOT),
                route.paused(),
                port.requests.sum(),
                port.errors.sum(),
                port.retries.sum(),
                port.held.sum(),
                port.drained(),
                port.cut.sum(),
                port.bytesIn.sum(),
                port.bytesOut.sum(),
                port.connections.get(),
                port.latency.counts(),
                port.latency.sumMicros(),
                listener.redirectedFrom(),
                listener.stale(),
                targets(port));
    }

    private static List<TargetStatus> targets(Port port) {
        List<TargetStatus> targets = new ArrayList<>();
        port.all().forEach(target -> targets.add(of(port, target)));
        port.route().backends().stream()
                .filter(backend -> !backend.known())
                .forEach(backend -> targets.add(new TargetStatus(backend.instance(), "", "stopped", 0, 0, 0)));
        return targets;
    }

    private static TargetStatus of(Port port, Target target) {
        return new TargetStatus(
                target.backend.instance(),
                target.backend.host() + ":" + target.backend.port(),
                !port.leads(target) ? "draining" : target.wellKnown() ? "ready" : "unreachable",
                target.inFlight.get(),
                target.requests.sum(),
                target.errors.sum());
    }

    /** This port with what another gateway, or another socket of this one, does and has done on it. */
    PortStatus plus(PortStatus elder) {
        SortedMap<Long, Long> all = new TreeMap<>(micros);
        elder.micros.forEach((upper, count) -> all.merge(upper, count, Long::sum));
        List<TargetStatus> both = new ArrayList<>();
        for (TargetStatus target : targets) {
            both.add(elder.targets.stream()
                    .filter(target::same)
                    .findFirst()
                    .map(target::plus)
                    .orElse(target));
        }
        elder.targets.stream()
                .filter(target -> target.inFlight > 0 && targets.stream().noneMatch(target::same))
                .forEach(both::add);
        return new PortStatus(
                project,
                service,
                listen,
                mode,
                paused,
                requests + elder.requests,
                errors + elder.errors,
                retries + elder.retries,
                held + elder.held,
                drained + elder.drained,
                cut + elder.cut,
                bytesIn + elder.bytesIn,
                bytesOut + elder.bytesOut,
                connections + elder.connections,
                all,
                sumMicros + elder.sumMicros,
                redirectedFrom,
                stale,
                both);
    }

    /** What stays of it when the gateway that said so is gone. */
    PortStatus past() {
        return with(0, targets.stream().map(TargetStatus::past).toList());
    }

    /** As one that is followed says it: the gateway that follows it listens in the new way. */
    PortStatus followed() {
        return with(connections, targets);
    }

    private PortStatus with(int nowConnected, List<TargetStatus> nowTargets) {
        return new PortStatus(
                project,
                service,
                listen,
                mode,
                paused,
                requests,
                errors,
                retries,
                held,
                drained,
                cut,
                bytesIn,
                bytesOut,
                nowConnected,
                micros,
                sumMicros,
                redirectedFrom,
                false,
                nowTargets);
    }

    /** What it is counted under. */
    List<String> key() {
        return List.of(project, service, listen);
    }

    @JsonProperty
    long p50Micros() {
        return ClientCounts.quantile(micros, 0.5);
    }

    @JsonProperty
    long p99Micros() {
        return ClientCounts.quantile(micros, 0.99);
    }
}
