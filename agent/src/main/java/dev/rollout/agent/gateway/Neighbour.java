package dev.rollout.agent.gateway;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.Socket;

/**
 * An instance on one of this host's own networks. The address of a network that was removed is anybody's: what is sent
 * there leaves the host, and who answers then is not the instance.
 */
final class Neighbour {
    private static final int MILLIS = 300;

    private Neighbour() {}

    /** Whether it lets a connection in, soon. */
    static boolean accepts(Route.Backend backend) {
        try (Socket socket = new Socket()) {
            InetAddress address = InetAddress.getByName(backend.host());
            if (NetworkInterface.networkInterfaces()
                    .flatMap(network -> network.getInterfaceAddresses().stream())
                    .noneMatch(own -> isOn(own, address))) {
                return false;
            }
            socket.connect(new InetSocketAddress(address, backend.port()), MILLIS);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isOn(InterfaceAddress own, InetAddress address) {
        byte[] here = own.getAddress().getAddress();
        byte[] there = address.getAddress();
        for (int bit = 0; bit < own.getNetworkPrefixLength(); bit++) {
            int mask = 0x80 >> bit % 8;
            if (here.length != there.length || (here[bit / 8] & mask) != (there[bit / 8] & mask)) {
                return false;
            }
        }
        return here.length == there.length;
    }
}
