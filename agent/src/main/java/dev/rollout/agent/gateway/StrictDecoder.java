package dev.rollout.agent.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.List;

/** Netty's decoder of requests, which mends a folded line of a head; here it is refused, as RFC 9112, 5.2, prefers. */
final class StrictDecoder extends HttpRequestDecoder {
    private boolean inHead = true;
    private boolean afterLine;
    private boolean folded;

    StrictDecoder(HttpDecoderConfig config) {
        super(config);
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws Exception {
        int from = in.readerIndex();
        int had = out.size();
        super.decode(ctx, in, out);
        if (inHead) {
            look(in, from, in.readerIndex());
        }
        for (int i = had; i < out.size(); i++) {
            if (out.get(i) instanceof HttpRequest request) {
                inHead = false;
                if (folded) {
                    request.setDecoderResult(DecoderResult.failure(new IllegalArgumentException("a folded line")));
                }
            }
            if (out.get(i) instanceof LastHttpContent) {
                inHead = true;
                afterLine = false;
                folded = false;
            }
        }
    }

    /** The decoder takes whole lines, so that a line begins where it goes on. */
    private void look(ByteBuf in, int from, int to) {
        for (int at = from; at < to; ) {
            byte first = in.getByte(at);
            folded |= afterLine && (first == ' ' || first == '\t');
            int end = in.indexOf(at, to, (byte) '\n');
            afterLine = true;
            at = end < 0 ? to : end + 1;
        }
    }
}
