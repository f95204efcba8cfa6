package dev.rollout.agent.gateway;

import dev.rollout.agent.model.ProxyProtocol;
import io.netty.channel.Channel;
import io.netty.handler.codec.haproxy.HAProxyCommand;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageEncoder;
import io.netty.handler.codec.haproxy.HAProxyProtocolVersion;
import io.netty.handler.codec.haproxy.HAProxyProxiedProtocol;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** What an instance that asks for it hears before a client's bytes: whose they are, and where the client connected to. */
final class ProxyHeader {
    private ProxyHeader() {}

    /** @param port the published one: where connections are led past Docker, the client's is bound to another */
    static void write(ProxyProtocol version, Channel client, int port, Channel instance) {
        if (!(client.remoteAddress() instanceof InetSocketAddress from)
                || !(client.localAddress() instanceof InetSocketAddress to)) {
            return; // it has gone
        }
        // a client of IPv4 on a socket of both is one of IPv4: Java's addresses know that already
        boolean four = from.getAddress() instanceof Inet4Address && to.getAddress() instanceof Inet4Address;
        instance.pipeline().addLast(HAProxyMessageEncoder.INSTANCE);
        instance.write(new HAProxyMessage(
                version == ProxyProtocol.V1 ? HAProxyProtocolVersion.V1 : HAProxyProtocolVersion.V2,
                HAProxyCommand.PROXY,
                four ? HAProxyProxiedProtocol.TCP4 : HAProxyProxiedProtocol.TCP6,
                text(from.getAddress()),
                text(to.getAddress()),
                from.getPort(),
                port));
        instance.pipeline().remove(HAProxyMessageEncoder.INSTANCE);
    }

    /** Without the zone of a link-local address, which only this host knows. */
    private static String text(InetAddress address) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        return zone < 0 ? text : text.substring(0, zone);
    }
}
