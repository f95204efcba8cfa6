package dev.rollout.agent.gateway;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.codec.http2.HttpConversionUtil.ExtensionHeaderNames;
import io.netty.util.AsciiString;
import io.netty.util.NetUtil;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** What becomes of the heads of requests and answers on their way: RFC 9110, 7.6, and what is let through at all. */
final class Heads {
    private static final AsciiString FORWARDED = AsciiString.cached("Forwarded");
    private static final AsciiString FORWARDED_FOR = AsciiString.cached("X-Forwarded-For");
    private static final AsciiString FORWARDED_PROTO = AsciiString.cached("X-Forwarded-Proto");
    private static final AsciiString FORWARDED_HOST = AsciiString.cached("X-Forwarded-Host");
    private static final AsciiString REQUEST_ID = AsciiString.cached("X-Request-Id");

    /** They belong to one connection, not to the request: RFC 9110, 7.6.1. */
    private static final List<AsciiString> HOP_BY_HOP = List.of(
            HttpHeaderNames.CONNECTION,
            AsciiString.cached("keep-alive"),
            HttpHeaderNames.PROXY_CONNECTION,
            HttpHeaderNames.PROXY_AUTHENTICATE,
            HttpHeaderNames.TE,
            HttpHeaderNames.UPGRADE);
    /** No sender can declare them its connection's: they say where a message ends, and for whom it is. */
    private static final List<AsciiString> NEVER_NAMED =
            List.of(HttpHeaderNames.CONTENT_LENGTH, HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderNames.HOST);

    private static final List<AsciiString> OF_THE_DECODER = List.of(
            ExtensionHeaderNames.STREAM_ID.text(),
            ExtensionHeaderNames.SCHEME.text(),
            ExtensionHeaderNames.PATH.text());

    private Heads() {}

    /** With what a request is refused that somebody behind the gateway might read in another way; null where it is well. */
    static @Nullable HttpResponseStatus refusal(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            Throwable cause = request.decoderResult().cause();
            return cause instanceof TooLongHttpLineException
                    ? HttpResponseStatus.REQUEST_URI_TOO_LONG
                    : cause instanceof TooLongHttpHeaderException
                            ? HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                            : HttpResponseStatus.BAD_REQUEST;
        }
        boolean old = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        if (!old && !request.protocolVersion().equals(HttpVersion.HTTP_1_1)) {
            return HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED;
        }
        if (request.method().equals(HttpMethod.CONNECT)) {
            return HttpResponseStatus.NOT_IMPLEMENTED;
        }
        int hosts = request.headers().getAll(HttpHeaderNames.HOST).size();
        if (hosts > 1 || hosts == 0 && !old) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        String coding = request.headers().get(HttpHeaderNames.TRANSFER_ENCODING);
        return coding == null
                        || HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(coding)
                                && request.headers()
                                                .getAll(HttpHeaderNames.TRANSFER_ENCODING)
                                                .size()
                                        == 1
                ? null
                : HttpResponseStatus.BAD_REQUEST;
    }

    /** Makes a client's request the one that a target is sent: who asked, and how, is said in it. */
    static void forward(HttpRequest request, Requests from) {
        String client = from.peer().address();
        HttpHeaders headers = request.headers();
        strip(headers);
        headers.remove(HttpHeaderNames.EXPECT); // it has been answered here
        OF_THE_DECODER.forEach(headers::remove);
        String scheme = from.peer().secure() ? "https" : "http";
        String before = headers.get(FORWARDED_FOR);
        headers.set(FORWARDED_FOR, before == null ? client : before + ", " + client);
        if (!headers.contains(FORWARDED_PROTO)) {
            headers.set(FORWARDED_PROTO, scheme);
        }
        String host = headers.get(HttpHeaderNames.HOST);
        if (host == null) {
            headers.set(
                    HttpHeaderNames.HOST,
                    NetUtil.toSocketAddressString(from.peer().local())); // it does not say
        } else if (!headers.contains(FORWARDED_HOST)) {
            headers.set(FORWARDED_HOST, host);
        }
        String chain = headers.get(FORWARDED);
        if (chain != null) {
            String node = client.indexOf(':') < 0 ? client : "\"[" + client + "]\"";
            headers.set(FORWARDED, chain + ", for=" + node + ";proto=" + scheme);
        }
        if (!headers.contains(REQUEST_ID)) {
            headers.set(REQUEST_ID, Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE));
        }
        request.setProtocolVersion(HttpVersion.HTTP_1_1);
    }

    /** Takes out what belongs to one connection. */
    static void strip(HttpHeaders headers) {
        if (headers.contains(HttpHeaderNames.CONNECTION)) {
            for (String named : headers.getAll(HttpHeaderNames.CONNECTION)) {
                if (!HttpHeaderValues.KEEP_ALIVE.contentEqualsIgnoreCase(named)) { // as most say, of every answer
                    removeNamed(headers, named);
                }
            }
        }
        for (AsciiString name : HOP_BY_HOP) {
            headers.remove(name);
        }
    }

    private static void removeNamed(HttpHeaders headers, String list) {
        for (String word : list.split(",")) {
            String name = word.strip();
            if (!name.isEmpty() && NEVER_NAMED.stream().noneMatch(kept -> kept.contentEqualsIgnoreCase(name))) {
                headers.remove(name);
            }
        }
    }
}
