package dev.rollout.agent.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;

/** JSON as it goes over the socket and into the journal. */
public final class Json {
    /** Whole numbers are read as long, and fields of a newer end are passed over. */
    public static final ObjectMapper MAPPER = new ObjectMapper()
            .registerModule(new InstantModule())
            .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
            .configure(DeserializationFeature.USE_LONG_FOR_INTS, true);

    private Json() {}

    /** One of our own types as text. */
    public static String text(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("our own types can be written", e);
        }
    }
}
