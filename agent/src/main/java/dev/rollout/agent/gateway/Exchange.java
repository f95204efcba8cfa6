package dev.rollout.agent.gateway;

/** Something that a target is busy with: a request, a stream, a connection. */
interface Exchange {
    /** Whether it may go on for ever: a WebSocket, an event stream, a plain connection. */
    boolean streams();

    /** Ends it now, in the way that hurts its client least. */
    void cut();
}
