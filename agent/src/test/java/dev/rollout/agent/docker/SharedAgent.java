package dev.rollout.agent.docker;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** One agent, and one gateway, for all tests of a class that leave it running: starting them costs more than most tests. */
final class SharedAgent implements AfterAllCallback {
    private @Nullable Rig agent;

    /** A project of its own on this agent. */
    synchronized Rig rig() throws IOException {
        Rig there = agent;
        if (there == null) {
            there = new Rig();
            agent = there;
        }
        return new Rig(there);
    }

    @Override
    public synchronized void afterAll(ExtensionContext context) throws Exception {
        if (agent != null) {
            agent.close();
        }
    }
}
