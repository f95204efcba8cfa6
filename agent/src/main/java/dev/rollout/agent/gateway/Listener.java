package dev.rollout.agent.gateway;

import io.vertx.core.Deployable;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens for a port on every event loop. Where a container that Docker published still holds the port, it listens beside
 * it, has new connections redirected to it, and takes the port itself as soon as it is free: nobody is refused meanwhile.
 * Where Docker is to have the port back, it steps beside it in the same way, and stays there.
 */
final class Listener {
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);
    private static final long RETRY_MILLIS = 20;
    /** Between two looks at the packet filter, each of which starts a program or two. */
    private static final long RULE_MILLIS = 300;

    private static final int SECONDS = 10;
    /** For those whose handshake has begun where nobody new is led any more: one answer to it may be lost. */
    private static final long HANDSHAKE_MILLIS = 2000;

    private final Vertx vertx;
    private final Port port;
    private final Redirect redirect;
    private final int loops;
    private final List<String> deployments = new CopyOnWriteArrayList<>();
    private final Route served;
    private volatile List<Front> direct = List.of(); // on the port itself
    private volatile List<Front> aside = List.of(); // on the one that connections are redirected to
    private volatile int beside;
    private boolean parked; // the port is Docker's to have
    private boolean trying;
    private volatile boolean closed;

    Listener(Vertx vertx, Port port, Redirect redirect, int loops) {
        this.vertx = vertx;
        this.port = port;
        this.served = port.route();
        this.redirect = redirect;
        this.loops = loops;
    }

    /** Whether the route wants what was fixed when this began to listen. */
    boolean stale() {
        Route now = port.route();
        return !closed
                && (now.mode() != served.mode()
                        || !now.policy().tls().equals(served.policy().tls()));
    }

    /** Whether new connections are redirected to another port than the published one. */
    boolean isBeside() {
        return beside != 0;
    }

    /** The port that connections are redirected to where the published one is not held here; else 0. */
    int redirectedFrom() {
        return direct.isEmpty() ? beside : 0;
    }

    /**
     * @param docker what may lead its connections elsewhere
     * @throws IOException where the port cannot be had
     */
    synchronized void open(DockersRules docker) throws IOException {
        Route route = port.route();
        if (route.parked()) {
            stepAside();
            return;
        }
        if (!route.adopt() || !docker.lead(route.hostIp(), route.port())) {
            try {
                direct = deploy(route.port());
                return;
            } catch (IOException e) {
                if (!route.adopt() || !inUse(e)) {
                    throw new IOException("cannot listen on " + route.listen() + ": " + e.getMessage(), e);
                }
            }
        }
        listenBeside(route);
        takeWhenFree();
    }

    private void listenBeside(Route route) throws IOException {
        int free = freePort();
        List<Front> made = deploy(free);
        try {
            redirect.add(route.hostIp(), route.port(), free);
        } catch (IOException e) {
            made.forEach(Front::shut);
            throw new IOException("cannot redirect the connections of " + route.listen() + ": " + e.getMessage(), e);
        }
        aside = made;
        beside = free;
        LOG.info("{} is Docker's: new connections come by {}", route.listen(), free);
    }

    /**
     * Leaves the port to Docker: new connections go past it to this listener from the return on, those that are here
     * stay, and the port is free a moment later.
     *
     * @throws IOException where nothing can be redirected; the port is held as before
     */
    synchronized void stepAside() throws IOException {
        if (beside == 0) {
            listenBeside(port.route());
            giveUp();
        }
        parked = true;
    }

    /** As {@link #stepAside}, where new connections are led past the port already. */
    synchronized void giveUp() {
        List<Front> left = direct;
        afterHandshakes(() -> {
            left.forEach(Front::shut);
            direct = List.of();
        });
    }

    /** Takes the port as soon as it is free. */
    synchronized void takeWhenFree() {
        parked = false;
        if (beside != 0 && !trying) {
            trying = true;
            Thread.ofVirtual().name("take").start(() -> {
                for (long wait = RETRY_MILLIS; wait > 0; wait = taken()) {
                    pause(wait);
                }
            });
        }
    }

    /**
     * Docker lets go of a port before it takes its rule back: without a redirection new connections would be led to a
     * container that has ended.
     *
     * @return milliseconds until another try; 0 where there is nothing more to try
     */
    private synchronized long taken() {
        Route route = port.route();
        if (!parked && !closed) {
            try {
                checkFree(route.hostIp(), route.port()); // a front that fails costs more than this
                if (new DockersRules().lead(route.hostIp(), route.port())) {
                    return RULE_MILLIS;
                }
                direct = deploy(route.port());
            } catch (IOException held) {
                return RETRY_MILLIS;
            }
            redirect.remove(route.hostIp(), route.port(), beside);
            beside = 0;
            List<Front> left = aside;
            afterHandshakes(() -> left.forEach(Front::shut)); // what came by them stays there until it ends
            LOG.info("{} is free: taken", route.listen());
        }
        trying = false;
        return 0;
    }

    private void afterHandshakes(Runnable then) {
        Thread.ofVirtual().name("handshakes").start(() -> {
            pause(HANDSHAKE_MILLIS);
            synchronized (this) {
                then.run();
            }
        });
    }

    /** Shorter where somebody wants this thread to end. */
    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** @throws IOException where somebody holds the port */
    static void checkFree(String hostIp, int number) throws IOException {
        try (Socket socket = new Socket()) { // which does not listen: nobody is let in to be shut out again
            socket.setReuseAddress(true);
            socket.bind(hostIp.isEmpty() ? new InetSocketAddress(number) : new InetSocketAddress(hostIp, number));
        }
    }

    private List<Front> deploy(int number) throws IOException {
        String host = port.route().hostIp().isEmpty() ? "::" : port.route().hostIp();
        try {
            return deploy(host, number);
        } catch (IOException e) {
            if (!host.equals("::") || inUse(e)) {
                throw e;
            }
            return deploy("0.0.0.0", number); // a host without IPv6
        }
    }

    /** The native transport has an exception of its own for it. */
    private static boolean inUse(IOException e) {
        return String.valueOf(e.getMessage()).contains("already in use");
    }

    private List<Front> deploy(String host, int number) throws IOException {
        List<Front> made = new CopyOnWriteArrayList<>();
        String first = get(vertx.deployVerticle(front(made, host, number, Loop.Place.FIRST)));
        deployments.add(first);
        if (loops > 1) {
            try {
                deployments.add(get(vertx.deployVerticle(
                        () -> front(made, host, number, Loop.Place.BESIDE),
                        new DeploymentOptions().setInstances(loops - 1))));
            } catch (IOException e) {
                deployments.remove(first);
                vertx.undeploy(first);
                throw e;
            }
        }
        return made;
    }

    /** What the future brings, within its time. */
    static <T> T get(Future<T> future) throws IOException {
        try {
            return future.toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IOException(
                    String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()), e.getCause());
        } catch (TimeoutException e) {
            throw new IOException("no answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private Deployable front(List<Front> made, String host, int number, Loop.Place place) {
        Front front = switch (served.mode()) {
            case HTTP -> new HttpFront(port, host, number, place);
            case TCP -> new TcpFront(port, host, number, place);
        };
        made.add(front);
        return front;
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /**
     * New connections go where they would without this gateway; those that are here stay until {@link #close}. True where
     * somebody else has the port.
     */
    synchronized boolean leave() {
        boolean others = beside != 0;
        letGo();
        if (!others) {
            direct.forEach(Front::shut);
            aside.forEach(Front::shut);
        }
        return others;
    }

    private void letGo() {
        closed = true;
        if (beside != 0) {
            redirect.remove(port.route().hostIp(), port.route().port(), beside);
            beside = 0;
        }
    }

    void close() {
        synchronized (this) {
            letGo();
        }
        deployments.forEach(vertx::undeploy);
    }
}
