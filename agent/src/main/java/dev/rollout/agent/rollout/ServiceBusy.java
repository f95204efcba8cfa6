package dev.rollout.agent.rollout;

/** Another rollout or a lock holds the service. The message says who, why and since when. */
public final class ServiceBusy extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final String rollout;

    /** @param rollout the id of the rollout that holds it; empty for a lock */
    public ServiceBusy(String message, String rollout) {
        super(message);
        this.rollout = rollout;
    }

    public String rollout() {
        return rollout;
    }
}
