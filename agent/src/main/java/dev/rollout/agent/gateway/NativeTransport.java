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
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Netty's epoll, and two things mended in it (4.2.18 has them still). It tells the kernel of each change of what a
 * connection waits for, ten times for one that is led on. And one with nothing to wait for is taken out of the epoll set,
 * which the next thing to wait for is then asked of: an error, which closes the connection. That is how it is with a peer
 * that has closed its direction and is slow to take what it is sent.
 */
final class NativeTransport extends EpollTransport implements Transport {
    private static final Logger LOG = LoggerFactory.getLogger(NativeTransport.class);

    /** One that is at most told once that it has failed. */
    private static final IoOps NOTHING = EpollIoOps.EPOLLET;

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
                return new Handler(netty.newHandler(executor), executor);
            }

            @Override
            public boolean isChangingThreadSupported() {
                return netty.isChangingThreadSupported();
            }
        };
    }

    /** Tells epoll once a turn what has changed, and not with each change: most are taken back or followed in the same turn. */
    private static final class Handler implements IoHandler {
        private final IoHandler netty;
        private final ThreadAwareExecutor executor;
        private final ArrayDeque<Registration> changed = new ArrayDeque<>();

        Handler(IoHandler netty, ThreadAwareExecutor executor) {
            this.netty = netty;
            this.executor = executor;
        }

        @Override
        public IoRegistration register(IoHandle handle) throws Exception {
            return new Registration(netty.register(handle), handle);
        }

        @Override
        public int run(IoHandlerContext context) {
            for (Registration next = changed.poll(); next != null; next = changed.poll()) {
                next.tell();
            }
            return netty.run(context);
        }

        @Override
        public void initialize() {
            netty.initialize();
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

        /** Changed on its event loop alone. */
        private final class Registration implements IoRegistration {
            private final IoRegistration netty;
            private final IoHandle handle;
            private IoOps told = EpollIoOps.NONE;
            private IoOps wanted = EpollIoOps.NONE;
            private boolean waits;

            Registration(IoRegistration netty, IoHandle handle) {
                this.netty = netty;
                this.handle = handle;
            }

            @Override
            public long submit(IoOps ops) {
                wanted = ops.equals(EpollIoOps.NONE) ? NOTHING : ops;
                if (!executor.isExecutorThread(Thread.currentThread())) {
                    throw new IllegalStateException("not on the event loop");
                }
                if (!waits) {
                    waits = true;
                    changed.add(this);
                }
                return 0;
            }

            private void tell() {
                waits = false;
                if (!wanted.equals(told) && netty.isValid()) {
                    told = wanted;
                    try {
                        netty.submit(wanted);
                    } catch (UncheckedIOException e) {
                        LOG.warn("a connection ends, since epoll does not take it: {}", e.getMessage());
                        close();
                    }
                }
            }

            private void close() {
                try {
                    handle.close();
                } catch (Exception e) {
                    LOG.warn("nor can it be closed", e);
                }
            }

            @Override
            public <T> T attachment() {
                return netty.attachment();
            }

            @Override
            public boolean isValid() {
                return netty.isValid();
            }

            @Override
            public boolean cancel() {
                return netty.cancel();
            }
        }
    }
}
