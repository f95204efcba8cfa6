package dev.rollout.agent.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContainerAddressTest {
    /** The host's own addresses here are those of loopback. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "a macvlan before a bridge | 172.18.0.2 | "
                        + "{'lan': {'IPAddress': '192.0.2.7', 'Gateway': '192.0.2.1'},"
                        + " 'web': {'IPAddress': '172.18.0.2', 'Gateway': '127.0.0.1'}}",
                "an internal network       | 172.19.0.2 | "
                        + "{'lan': {'IPAddress': '192.0.2.7', 'Gateway': '192.0.2.1'},"
                        + " 'own': {'IPAddress': '172.19.0.2', 'Gateway': ''}}",
                "only others               | 192.0.2.7  | "
                        + "{'lan': {'IPAddress': '192.0.2.7', 'Gateway': '192.0.2.1'},"
                        + " 'x': {'IPAddress': '192.0.2.9', 'Gateway': '192.0.2.1'}}",
                "one                       | 192.0.2.7  | {'lan': {'IPAddress': '192.0.2.7', 'Gateway': '192.0.2.1'}}",
                "both kinds                | 172.18.0.2 | "
                        + "{'web': {'IPAddress': '172.18.0.2', 'Gateway': '127.0.0.1', 'GlobalIPv6Address': 'fd00::2'}}",
                "IPv6 alone                | fd00::2    | "
                        + "{'web': {'IPAddress': '', 'Gateway': '', 'GlobalIPv6Address': 'fd00::2', 'IPv6Gateway': 'fd00::1'}}",
                "IPv6 here before a macvlan | fd00::2   | "
                        + "{'lan': {'IPAddress': '192.0.2.7', 'Gateway': '192.0.2.1'},"
                        + " 'web': {'IPAddress': '', 'GlobalIPv6Address': 'fd00::2', 'IPv6Gateway': '::1'}}",
                "none                      | ``         | {'web': {'IPAddress': '', 'GlobalIPv6Address': ''}}",
            })
    void theAddressIsOneThatThisHostReaches(String name, String expected, String networks)
            throws JsonProcessingException {
        String container = "{'NetworkSettings': {'Networks': " + networks + "}}";
        assertEquals(expected, ContainerAddress.of(new ObjectMapper().readTree(container.replace('\'', '"'))), name);
    }
}
