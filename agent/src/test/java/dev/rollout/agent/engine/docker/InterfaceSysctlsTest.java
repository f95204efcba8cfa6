package dev.rollout.agent.engine.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Engines from API 1.48 on refuse these under Sysctls: "must be supplied using driver option". */
class InterfaceSysctlsTest {
    private final ObjectMapper json = new ObjectMapper();

    private String moved(String body) throws IOException {
        ObjectNode node = (ObjectNode) json.readTree(body.replace('\'', '"'));
        InterfaceSysctls.move(node);
        return node.toString().replace('"', '\'');
    }

    @Test
    void thoseOfTheFirstInterfaceGoToTheFirstNetwork() throws IOException {
        assertEquals(
                "{'HostConfig':{'NetworkMode':'p_default','Sysctls':{'net.core.somaxconn':'512'}},"
                        + "'NetworkingConfig':{'EndpointsConfig':{'p_default':{'DriverOpts':{'a':'b',"
                        + "'com.docker.network.endpoint.sysctls':"
                        + "'net.ipv4.conf.IFNAME.forwarding=0,net.ipv6.neigh.IFNAME.retrans_time_ms=9'}}}}}",
                moved("{'HostConfig':{'NetworkMode':'p_default','Sysctls':{'net.ipv4.conf.eth0.forwarding':'0',"
                        + "'net.core.somaxconn':'512','net.ipv6.neigh.eth0.retrans_time_ms':'9'}},"
                        + "'NetworkingConfig':{'EndpointsConfig':{'p_default':{'DriverOpts':{'a':'b'}}}}}"));
    }

    @Test
    void aContainerOfDockersOwnNetworkHasNoOther() throws IOException {
        assertEquals(
                "{'HostConfig':{'NetworkMode':'bridge','Sysctls':{}},'NetworkingConfig':{'EndpointsConfig':{'bridge':"
                        + "{'DriverOpts':{'com.docker.network.endpoint.sysctls':'net.ipv4.conf.IFNAME.rp_filter=2'}}}}}",
                moved("{'HostConfig':{'NetworkMode':'bridge','Sysctls':{'net.ipv4.conf.eth0.rp_filter':'2'}}}"));
    }

    @Test
    void whatIsNoInterfacesStays() throws IOException {
        String body = "{'HostConfig':{'NetworkMode':'x','Sysctls':{'net.ipv4.conf.all.forwarding':'1'}}}";
        assertEquals(body, moved(body));
        assertEquals("{'HostConfig':{}}", moved("{'HostConfig':{}}"));
    }
}
