package dev.rollout.agent.json;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;

/** Instants and durations as ISO text, without another dependency. */
final class InstantModule extends SimpleModule {
    private static final long serialVersionUID = 1;

    InstantModule() {
        addSerializer(new Text<>(Instant.class));
        addSerializer(new Text<>(Duration.class));
        addDeserializer(Instant.class, new StdDeserializer<>(Instant.class) {
            private static final long serialVersionUID = 1;

            @Override
            public Instant deserialize(JsonParser parser, DeserializationContext context) throws IOException {
                return Instant.parse(parser.getText());
            }
        });
        addDeserializer(Duration.class, new StdDeserializer<>(Duration.class) {
            private static final long serialVersionUID = 1;

            @Override
            public Duration deserialize(JsonParser parser, DeserializationContext context) throws IOException {
                return Duration.parse(parser.getText());
            }
        });
    }

    private static final class Text<T> extends StdSerializer<T> {
        private static final long serialVersionUID = 1;

        Text(Class<T> type) {
            super(type);
        }

        @Override
        public void serialize(T value, JsonGenerator out, SerializerProvider provider) throws IOException {
            out.writeString(value.toString());
        }
    }
}
