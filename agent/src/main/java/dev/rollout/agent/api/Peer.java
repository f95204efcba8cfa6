package dev.rollout.agent.api;

import dev.rollout.agent.model.Folders;
import dev.rollout.agent.rollout.Asker;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.VertxConnection;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who is at the other end of the socket: root, the agent's own user, and whoever the socket's group lets in (the file's
 * mode is 0660, so the kernel has checked that already) where that group is not the agent's own.
 *
 * @param credentials what the kernel says; null where it cannot be asked
 */
record Peer(@Nullable PeerCredentials credentials) {
    static Peer of(RoutingContext context) {
        HttpConnection connection = context.request().connection();
        if (connection instanceof VertxConnection vertx) {
            Channel channel = vertx.channelHandlerContext().channel();
            if (channel instanceof EpollDomainSocketChannel socket) {
                try {
                    return new Peer(socket.peerCredentials());
                } catch (IOException e) {
                    throw new UncheckedIOException(e); // gone already
                }
            }
        }
        return new Peer(null); // no native transport: the file's mode is what protects the socket
    }

    boolean allowed(Folders folders) {
        try {
            int own = (Integer) Files.getAttribute(folders.socket(), "unix:uid");
            return credentials == null
                    || credentials.uid() == 0
                    || credentials.uid() == own
                    || sharedWithGroup(folders);
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean sharedWithGroup(Folders folders) throws IOException {
        Object socket = Files.getAttribute(folders.socket(), "unix:gid");
        Object own = Files.getAttribute(folders.state(), "unix:gid");
        return !socket.equals(own);
    }

    /** What it asks for is done with its rights, where the agent has others. */
    Asker asker(Map<String, String> environment) {
        return credentials != null && Folders.byRoot() && credentials.uid() != 0
                ? new Asker(credentials.uid(), credentials.gids()[0], environment)
                : Asker.with(environment);
    }
}
