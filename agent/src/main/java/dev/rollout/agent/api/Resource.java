package dev.rollout.agent.api;

import java.util.Map;

/** A group of routes: {@code METHOD /path} to what it does. */
interface Resource {
    Map<String, ApiServer.Handler> routes();
}
