package dev.rollout.agent.gateway;

import dev.rollout.agent.model.PortPolicy;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The certificate files of a port: which one a client gets depends on the host that it names, and they may change. */
final class Certificates {
    private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);
    private static final long LOOK_MILLIS = 1000;

    private final List<PortPolicy.Certificate> files;
    private final List<String> protocols;
    private List<Object> seen;

    /** @param protocols what clients may choose from in TLS, the best first; empty where that is not spoken about */
    Certificates(List<PortPolicy.Certificate> files, List<String> protocols) {
        this.files = files;
        this.protocols = protocols;
        this.seen = state();
    }

    private PemKeyCertOptions pem() {
        PemKeyCertOptions pem = new PemKeyCertOptions();
        files.forEach(pair -> pem.addCertPath(pair.cert()).addKeyPath(pair.key()));
        return pem;
    }

    /** Does nothing for a port without TLS. */
    void use(NetServerOptions server) {
        if (!files.isEmpty()) {
            server.setSsl(true).setKeyCertOptions(pem()).setSni(true);
            offer(server.getSslOptions());
        }
    }

    private ServerSSLOptions offer(ServerSSLOptions options) {
        options.setUseAlpn(!protocols.isEmpty());
        options.setApplicationLayerProtocols(protocols);
        return options;
    }

    /** Hands new ones over when a file has changed. Ones that are broken are said and not taken. */
    void watch(Vertx vertx, Function<ServerSSLOptions, Future<Boolean>> update) {
        if (files.isEmpty()) {
            return;
        }
        vertx.setPeriodic(LOOK_MILLIS, timer -> {
            List<Object> now = state();
            if (!now.equals(seen)) {
                seen = now;
                update.apply(offer(
                                new ServerSSLOptions().setKeyCertOptions(pem()).setSni(true)))
                        .onSuccess(done ->
                                LOG.info("{}: read again", files.getFirst().cert()))
                        .onFailure(e -> LOG.error(
                                "{} is not taken: {}", files.getFirst().cert(), e.getMessage()));
            }
        });
    }

    private List<Object> state() {
        List<Object> state = new ArrayList<>();
        for (PortPolicy.Certificate pair : files) {
            for (String file : List.of(pair.cert(), pair.key())) {
                try {
                    state.add(Files.getLastModifiedTime(Path.of(file)));
                } catch (IOException e) {
                    state.add("missing");
                }
            }
        }
        return state;
    }
}
