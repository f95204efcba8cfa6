package dev.rollout.agent.gateway;

import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;

/** Knows, beside what an answer says of itself, that the one to a HEAD has no body. */
final class AnswerEncoder extends HttpResponseEncoder {
    private final Requests requests;

    AnswerEncoder(Requests requests) {
        this.requests = requests;
    }

    @Override
    protected boolean isContentAlwaysEmpty(HttpResponse answer) {
        return requests.headOnly() || super.isContentAlwaysEmpty(answer);
    }
}
