package dev.rollout.contract;

/**
 * The proof of a won claim, and its fencing token: a holder whose lease was taken over has a smaller (generation,
 * attempt), and changes nothing any more. Hand the two numbers on to whatever else wants to refuse a stale holder.
 */
public record Token(String eventId, long generation, long attempt) {}
