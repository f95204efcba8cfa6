package dev.rollout.agent.gateway;

import java.io.IOException;
import java.util.List;

/** What decides on a host who comes in to the ports of its processes; for root. */
interface Firewall {
    /**
     * Lets clients in to the published ports of these routes, and no longer to others. Where there is no such firewall
     * nothing is done.
     *
     * @throws IOException where it refuses
     */
    void admit(List<Route> routes) throws IOException;

    /** Whether it still does what it was told last; one that was loaded anew has forgotten it. */
    boolean holds();
}
