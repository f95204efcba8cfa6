package dev.rollout.lib;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** A real server in a container, of an image that is built of this machine's packages: never pulled. */
final class Server implements AutoCloseable {
    private final GenericContainer<?> container;

    Server(String ready, String... command) throws IOException, InterruptedException {
        container = new GenericContainer<>(DockerImageName.parse(image()))
                .withImagePullPolicy(name -> false)
                .withCommand(command)
                .waitingFor(Wait.forLogMessage(".*" + ready + ".*", 1));
        container.start();
    }

    private static String image() throws IOException, InterruptedException {
        Process script = new ProcessBuilder(
                        Path.of("..", "scripts", "store-images").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String name = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (script.waitFor() != 0) {
            throw new IOException("scripts/store-images failed");
        }
        return name;
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
    }
}
