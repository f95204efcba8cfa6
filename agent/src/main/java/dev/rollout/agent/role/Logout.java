package dev.rollout.agent.role;

import dev.rollout.agent.model.OwnUser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a user's last login: systemd's logind then removes what the user has on shared memory, below folders of others
 * as well ({@code RemoveIPC} of logind.conf(5), on by default). Not that of a system's user, nor of one who lingers.
 */
final class Logout {
    private static final Logger LOG = LoggerFactory.getLogger(Logout.class);
    private static final Path SHARED = Path.of("/dev/shm");
    private static final Path BOOTED = Path.of("/run/systemd/system");
    private static final Path LINGERING = Path.of("/var/lib/systemd/linger");
    /** As systemd is built where nobody says otherwise. */
    private static final int LAST_SYSTEM_USER = 999;

    private static final int ASK_SECONDS = 5;

    private Logout() {}

    /** Why what this user keeps in a folder ends with the login, and what to do; nothing where it stays. */
    static Optional<String> takes(Path folder) {
        String user = System.getProperty("user.name");
        if (!folder.startsWith(SHARED)
                || OwnUser.get().uid() <= LAST_SYSTEM_USER
                || !Files.isDirectory(BOOTED)
                || Files.exists(LINGERING.resolve(user))
                || !removes()) {
            return Optional.empty();
        }
        return Optional.of("systemd removes " + folder + ", with the claims of all instances, when " + user
                + " logs out: run 'loginctl enable-linger " + user + "' once (with sudo where that is refused),"
                + " or have root's agent do it ('scripts/install' as root)");
    }

    /** What logind says; its default where it does not answer. */
    private static boolean removes() {
        try {
            Process asked = new ProcessBuilder(
                            "busctl",
                            "get-property",
                            "org.freedesktop.login1",
                            "/org/freedesktop/login1",
                            "org.freedesktop.login1.Manager",
                            "RemoveIPC")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!asked.waitFor(ASK_SECONDS, TimeUnit.SECONDS)) {
                asked.destroyForcibly();
                return true;
            }
            String said = new String(asked.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            return !said.strip().equals("b false");
        } catch (IOException e) {
            LOG.debug("logind cannot be asked: {}", e.toString());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
