package dev.rollout.agent.gateway;

import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpStatusClass;

/**
 * Knows, beside what an answer says of itself, that the one to a HEAD has no body. With an encoder beside it, it does the
 * work of Netty's codec for clients, which every write, flush and read would have to pass.
 */
final class AnswerDecoder extends HttpResponseDecoder {
    private final Upstream upstream;

    AnswerDecoder(HttpDecoderConfig config, Upstream upstream) {
        super(config);
        this.upstream = upstream;
    }

    @Override
    protected boolean isContentAlwaysEmpty(HttpMessage answer) {
        boolean last = ((HttpResponse) answer).status().codeClass() != HttpStatusClass.INFORMATIONAL;
        return last && upstream.headOnly() || super.isContentAlwaysEmpty(answer);
    }
}
