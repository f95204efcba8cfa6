package dev.rollout.agent.api;

import dev.rollout.agent.model.Folders;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.VertxConnection;
import java.io.IOException;
import java.nio.file.Files;

/**
 * Who is at the other end of the socket: root, the agent's own user, and whoever the socket's group lets in (the file's
 * mode is 0660, so the kernel has checked that already) where that group is not the agent's own.
 */
final class Peer {
    private Peer() {}

    static boolean allowed(HttpConnection connection, Folders folders) {
        if (!(connection instanceof VertxConnection vertx)) {
            return true; // TCP has tokens of its own
        }
        Channel channel = vertx.channelHandlerContext().channel();
        if (!(channel instanceof EpollDomainSocketChannel socket)) {
            return true; // no native transport: the file's mode is what protects the socket
        }
        try {
            int peer = socket.peerCredentials().uid();
            int own = (Integer) Files.getAttribute(folders.socket(), "unix:uid");
            return peer == 0 || peer == own || sharedWithGroup(folders);
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean sharedWithGroup(Folders folders) throws IOException {
        Object socket = Files.getAttribute(folders.socket(), "unix:gid");
        Object own = Files.getAttribute(folders.state(), "unix:gid");
        return !socket.equals(own);
    }
}
