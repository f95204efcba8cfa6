package dev.rollout.agent.engine.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExposedPortsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {'ExposedPorts':{'80':{},'90-92':{},'7-8/udp':{},'9/udp':{}}} | {'ExposedPorts':{'80':{},'90':{},'91':{},'92':{},'7/udp':{},'8/udp':{},'9/udp':{}}}
            {'Image':'x'}                                                 | {'Image':'x'}
            {'ExposedPorts':null}                                         | {'ExposedPorts':null}
            {'ExposedPorts':{'nonsense':{}}}                              | {'ExposedPorts':{'nonsense':{}}}
            """, quoteCharacter = '`')
    void aRangeIsEachOfItsPorts(String body, String spelled) throws IOException {
        ObjectNode node = (ObjectNode) new ObjectMapper().readTree(body.replace('\'', '"'));
        ExposedPorts.spell(node);
        assertEquals(spelled, node.toString().replace('"', '\''));
    }
}
