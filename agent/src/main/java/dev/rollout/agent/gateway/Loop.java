package dev.rollout.agent.gateway;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.UnixChannelOption;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.spi.transport.Transport;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One event loop, and the connections that are opened on it. They are Netty's own, which begins with TCP_NODELAY, without
 * the sockets that Vert.x builds around them; those of a port with TLS come from Vert.x, which ends it.
 */
final class Loop {
    /** How a loop comes to listen on a port. */
    enum Place {
        /** It has the port to itself, or fails; then it opens it to the other loops. */
        FIRST,
        /** Beside the first: new connections are spread over all. */
        BESIDE
    }

    private static final int CONNECT_MILLIS = 2000;
    private static final int BACKLOG = 4096;
    private static final int SHUT_MILLIS = 1000;
    /** Vert.x ends the connections of a server that was shut after a while; who shuts it here ends them before. */
    private static final int STAY_DAYS = 365;
    /** The name of Vert.x's own handler in a pipeline. */
    private static final String VERTX = "handler";

    /** Linux gives the option of a listening socket to each that is accepted, without a call for each. */
    private static final IntegerUnixChannelOption KEEP_ALIVE = new IntegerUnixChannelOption("SO_KEEPALIVE", 1, 9);

    private final Vertx vertx;
    private final EventLoop loop;
    private final Transport transport;
    private final ChannelGroup open;
    private final Bootstrap connecting;
    private final Bootstrap connecting4; // a socket of IPv6 for an address of IPv4 costs two calls more
    private volatile Runnable shut = () -> {};

    Loop(Vertx vertx, Context context) {
        this.vertx = vertx;
        this.loop = ((ContextInternal) context).nettyEventLoop();
        this.transport = ((VertxInternal) vertx).transport();
        this.open = new DefaultChannelGroup(loop, true); // what is added after the end is closed at once
        this.connecting = connecting(transport.channelFactory(false));
        this.connecting4 = vertx.isNativeTransportEnabled()
                ? connecting(() -> new EpollSocketChannel(SocketProtocolFamily.INET))
                : connecting;
    }

    private Bootstrap connecting(ChannelFactory<? extends Channel> factory) {
        return new Bootstrap()
                .group(loop)
                .channelFactory(factory)
                .disableResolver()
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        open.add(channel);
                    }
                });
    }

    /** Listens, and hands each connection of a client over when it may be read from. */
    Future<?> listen(
            Port port, String host, int number, Place place, List<String> protocols, Consumer<Channel> connected) {
        Consumer<Channel> counted = channel -> {
            port.connections.incrementAndGet();
            channel.closeFuture().addListener(gone -> port.connections.decrementAndGet());
            connected.accept(channel);
        };
        return port.route().policy().tls().isEmpty()
                ? plain(host, number, place, counted)
                : secure(port, host, number, protocols, counted);
    }

    private Future<?> plain(String host, int number, Place place, Consumer<Channel> connected) {
        ChannelInitializer<Channel> each = new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                open.add(channel);
                connected.accept(channel);
            }
        };
        ServerBootstrap server = new ServerBootstrap()
                .group(loop)
                .channelFactory(transport.serverChannelFactory(false))
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(KEEP_ALIVE, 1) // a client that has disappeared is noticed in the end
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .childHandler(each);
        if (place == Place.BESIDE) {
            server.option(UnixChannelOption.SO_REUSEPORT, true);
        }
        return opened(server.bind(host, number)).onSuccess(listening -> {
            open.add(listening);
            shut = () -> listening.close().awaitUninterruptibly(SHUT_MILLIS); // the port may be wanted again
            listening
                    .config()
                    .setOption(UnixChannelOption.SO_REUSEPORT, true); // from now on, and for this process alone
        });
    }

    private static Future<Channel> opened(ChannelFuture opening) {
        Promise<Channel> promise = Promise.promise();
        opening.addListener(done -> {
            if (done.isSuccess()) {
                promise.complete(opening.channel());
            } else {
                promise.fail(done.cause());
            }
        });
        return promise.future();
    }

    private Future<?> secure(Port port, String host, int number, List<String> protocols, Consumer<Channel> connected) {
        NetServerOptions options = new NetServerOptions()
                .setAcceptBacklog(BACKLOG)
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true);
        Certificates certificates = new Certificates(port.route().policy().tls(), protocols);
        certificates.use(options);
        NetServer server = vertx.createNetServer(options).connectHandler(socket -> {
            Channel channel =
                    ((NetSocketInternal) socket).channelHandlerContext().channel();
            channel.pipeline().remove(VERTX);
            connected.accept(channel);
        });
        return server.listen(number, host).onSuccess(listening -> {
            certificates.watch(vertx, fresh -> server.updateSSLOptions(fresh, true));
            shut = () -> server.shutdown(STAY_DAYS, TimeUnit.DAYS);
        });
    }

    /** Connects to an instance. To be asked on this loop: so the handlers are there before anything comes. */
    Future<Channel> connect(InetSocketAddress address, ChannelHandler... handlers) {
        ChannelFuture opening =
                (address.getAddress() instanceof Inet4Address ? connecting4 : connecting).connect(address);
        opening.channel().pipeline().addLast(handlers);
        return opened(opening);
    }

    /** Ends listening; the connections stay. Not to be asked on this loop. */
    void shut() {
        shut.run();
    }

    /** Ends listening, and every connection. */
    void close() {
        open.close();
    }
}
