package dev.rollout.agent.probe;

import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.Readiness.Check;
import dev.rollout.agent.rollout.ContainerEngine;
import dev.rollout.check.CheckResult;
import java.util.List;

/** Why an instance that runs did not become ready, where that can be told, and what to change. */
final class LikelyCause {
    private LikelyCause() {}

    static String of(Readiness readiness, CheckResult last, ContainerEngine.Reach reach) {
        int port = switch (readiness.check()) {
            case Check.Http http -> http.port();
            case Check.Tcp tcp -> tcp.port();
            default -> 0;
        };
        String detail = last.detail();
        if (detail.equals("connection refused") && port > 0) {
            return refused(port, reach.listening());
        }
        if (detail.startsWith(Prober.ANOTHERS)) {
            return "two versions cannot have one port of one network (network_mode): set order: stop-first";
        }
        if (detail.contains(" to https://")) {
            return "it redirects to https: set readiness.http.scheme to https, or send the header X-Forwarded-Proto: https";
        }
        if (detail.startsWith("401") || detail.startsWith("403")) {
            return "the path needs a login: name a path that does not, or give readiness.http.headers";
        }
        if (detail.startsWith("404")) {
            return "there is nothing at that path: check readiness.http.path";
        }
        if (detail.startsWith("400") || detail.startsWith("421")) {
            return "it may want its own host name: set readiness.http.host";
        }
        if (detail.startsWith("timed out")) {
            return "it accepts connections but does not answer within the timeout: it hangs, or readiness.timeout is too short";
        }
        if (detail.startsWith("no connection within") || detail.startsWith("no route")) {
            return "nothing comes back from its address: a firewall of this host drops what goes there or comes from there,"
                    + " or a route (a VPN's, say) leads elsewhere";
        }
        if (detail.contains("not in HTTP")) {
            return "something else than plain HTTP listens there: set readiness.http.scheme to https, or use readiness.tcp";
        }
        if (readiness.check() instanceof Check.RoleReady) {
            return "the application never called ready() (rollout-lib: Rollout.join().ready())";
        }
        return "";
    }

    private static String refused(int port, List<Integer> listening) {
        if (listening.isEmpty()) {
            return "nothing listens in the container yet: it may need more time (readiness.deadline)";
        }
        return listening.contains(port)
                ? "it listens on port " + port + ", but on its loopback address only: let it listen on 0.0.0.0"
                : "it listens on "
                        + String.join(
                                ", ", listening.stream().map(String::valueOf).toList()) + ", not on " + port
                        + ": correct the port";
    }
}
