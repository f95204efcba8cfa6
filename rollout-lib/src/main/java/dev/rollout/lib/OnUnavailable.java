package dev.rollout.lib;

/** What to do with an event when the claims store cannot say whose it is. */
public enum OnUnavailable {
    /** Handle it if this instance is the active one: the default, since no event is lost and only an overlap can double. */
    PROCEED_IF_ACTIVE,
    /** Handle it in any case: rather twice than never. */
    PROCEED,
    /** Skip it: rather never than twice. */
    SKIP
}
