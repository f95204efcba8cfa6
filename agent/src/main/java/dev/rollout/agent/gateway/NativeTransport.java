package dev.rollout.agent.gateway;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.util.concurrent.ThreadAwareExecutor;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.impl.transports.EpollTransport;
import io.vertx.core.transport.Transport;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Netty's epoll, and one thing mended in it (4.2.18 has it still): a connection with nothing to wait for is taken out of the
 * epoll set, and the next thing to wait for is then asked of a set that does not have it: an error, which closes the
 * connection. That is how it is with a peer that has closed its direction and is slow to take what it is sent.
 */
final class NativeTransport extends EpollTransport implements Transport {
    private NativeTransport() {}

    /** On epoll where that can be had. */
    static Vertx vertx(VertxOptions options) {
        return EPOLL.available()
                ? Vertx.builder()
                        .with(options)
                        .withTransport(new NativeTransport())
                        .build()
                : Vertx.vertx(options);
    }

    @Override
    public String name() {
        return EPOLL.name();
    }

    @Override
    public boolean available() {
        return true;
    }

    @Override
    public io.vertx.core.spi.transport.Transport implementation() {
        return this;
    }

    @Override
    public IoHandlerFactory ioHandlerFactory() {
        IoHandlerFactory netty = super.ioHandlerFactory();
        return new IoHandlerFactory() {
            @Override
            public IoHandler newHandler(ThreadAwareExecutor executor) {
                return new Handler(netty.newHandler(executor));
            }

            @Override
            public boolean isChangingThreadSupported() {
                return netty.isChangingThreadSupported();
            }
        };
    }

    private record Handler(IoHandler netty) implements IoHandler {
        @Override
        public IoRegistration register(IoHandle handle) throws Exception {
            return new Registration(netty, handle);
        }

        @Override
        public void initialize() {
            netty.initialize();
        }

        @Override
        public int run(IoHandlerContext context) {
            return netty.run(context);
        }

        @Override
        public void prepareToDestroy() {
            netty.prepareToDestroy();
        }

        @Override
        public void destroy() {
            netty.destroy();
        }

        @Override
        public void wakeup() {
            netty.wakeup();
        }

        @Override
        public boolean isCompatible(Class<? extends IoHandle> type) {
            return netty.isCompatible(type);
        }
    }

    /** One that is registered anew after it was taken out. Changed on its event loop alone. */
    private static final class Registration implements IoRegistration {
        private final IoHandler netty;
        private final IoHandle handle;
        private volatile IoRegistration now;
        private boolean out;

        Registration(IoHandler netty, IoHandle handle) throws Exception {
            this.netty = netty;
            this.handle = handle;
            this.now = netty.register(handle);
        }

        @Override
        public long submit(IoOps ops) {
            boolean none = ops.equals(EpollIoOps.NONE);
            if (out && !none && now.isValid()) {
                again();
            }
            out = none;
            return now.submit(ops);
        }

        private void again() {
            now.cancel();
            try {
                now = netty.register(handle);
            } catch (Exception e) {
                throw new UncheckedIOException(new IOException(e));
            }
        }

        @Override
        public <T> T attachment() {
            return now.attachment();
        }

        @Override
        public boolean isValid() {
            return now.isValid();
        }

        @Override
        public boolean cancel() {
            return now.cancel();
        }
    }
}
