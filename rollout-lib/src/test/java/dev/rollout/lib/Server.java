package dev.rollout.lib;

import java.io.IOException;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** A real server in a container, of an image that is built of this machine's packages: never pulled. */
final class Server implements AutoCloseable {
    private final Network network = Network.newNetwork(); // alone in it, it has its address again after a restart
    private final GenericContainer<?> container;

    Server(String ready, String... command) throws IOException, InterruptedException {
        container = new GenericContainer<>(DockerImageName.parse(Script.run("store-images")))
                .withImagePullPolicy(name -> false)
                .withCommand(command)
                .withNetwork(network)
                .waitingFor(Wait.forLogMessage(".*" + ready + ".*", 1));
        container.start();
    }

    String address() {
        return container.getContainerInfo().getNetworkSettings().getNetworks().values().stream()
                .findFirst()
                .orElseThrow()
                .getIpAddress();
    }

    void kill() {
        container.getDockerClient().killContainerCmd(container.getContainerId()).exec();
    }

    void startAgain() {
        container
                .getDockerClient()
                .startContainerCmd(container.getContainerId())
                .exec();
    }

    @Override
    public void close() {
        container.close();
        network.close();
    }
}
