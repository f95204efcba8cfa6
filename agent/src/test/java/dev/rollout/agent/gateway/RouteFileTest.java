package dev.rollout.agent.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.model.PortPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RouteFileTest {
    @TempDir
    Path folder;

    private RouteFile file() {
        return new RouteFile(new Folders(folder, folder, folder));
    }

    private Path path() {
        return folder.resolve("gateway.json");
    }

    @Test
    void noAddressIsTakenOverAReboot() throws IOException {
        Route.Backend backend = new Route.Backend("c", "127.0.0.1", 80);
        PortPolicy policy = PortPolicy.holding(1);
        Route route = new Route("p", "s", "", 80, 80, Route.Mode.HTTP, policy, true, false, false, List.of(backend));
        assertEquals(List.of(), file().read(), "there is none");
        file().write(List.of(route));
        assertEquals(List.of(route), file().read());

        Files.writeString(path(), Files.readString(path()).replaceFirst("\"boot\":\"[^\"]*", "\"boot\":\"another"));

        assertEquals(List.of(route.to(List.of(backend.at("")))), file().read());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "null", "{\"routes\": 7}", "{\"boot\": \"", "nonsense"})
    void nonsenseIsSaidToBeThat(String content) throws IOException {
        Files.writeString(path(), content);
        IOException thrown = assertThrows(IOException.class, () -> file().read());
        assertTrue(String.valueOf(thrown.getMessage()).startsWith(path() + ":1 is not what"), thrown.getMessage());
        assertEquals(content, Files.readString(path()), "left as it is");
    }
}
