package dev.rollout.agent.wire;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;

/** Where a container is reached, by what the Engine tells of it. */
public final class ContainerAddress {
    private static final List<String> KINDS = List.of("IPAddress", "GlobalIPv6Address");

    private ContainerAddress() {}

    /**
     * An address that it has on a network, if it can be on one that this host is on as well (a bridge, and no macvlan, whose
     * parent does not let its host in), and of the older kind; empty where it has none, as while it does not run.
     */
    public static String of(JsonNode container) {
        JsonNode networks = container.at("/NetworkSettings/Networks");
        String near = networks.size() > 1 ? first(networks, true) : "";
        return near.isEmpty() ? first(networks, false) : near;
    }

    private static String first(JsonNode networks, boolean near) {
        for (String kind : KINDS) {
            for (JsonNode network : networks) {
                String address = network.path(kind).asText("");
                if (!address.isEmpty() && (!near || here(network))) {
                    return address;
                }
            }
        }
        return "";
    }

    /** A bridge's gateway is this host itself; an internal one has none. */
    private static boolean here(JsonNode network) {
        String gateway = network.path("Gateway").asText("");
        String one = gateway.isEmpty() ? network.path("IPv6Gateway").asText("") : gateway;
        try {
            return one.isEmpty() || NetworkInterface.getByInetAddress(InetAddress.getByName(one)) != null;
        } catch (SocketException | UnknownHostException e) {
            return false;
        }
    }
}
