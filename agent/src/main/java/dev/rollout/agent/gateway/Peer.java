package dev.rollout.agent.gateway;

import io.netty.channel.Channel;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;

/**
 * Who is at the other end of a client's connection, and how they speak with us.
 *
 * @param address without its port
 * @param local where they have connected to
 */
record Peer(String address, InetSocketAddress local, boolean secure) {
    static Peer of(Channel connection) {
        return new Peer(
                ((InetSocketAddress) connection.remoteAddress()).getAddress().getHostAddress(),
                (InetSocketAddress) connection.localAddress(),
                connection.pipeline().get(SslHandler.class) != null);
    }
}
