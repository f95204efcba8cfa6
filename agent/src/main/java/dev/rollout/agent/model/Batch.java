package dev.rollout.agent.model;

import java.util.List;

/** Instances that are replaced at once. @param slots the candidates' container numbers; fewer than previous on scaling down */
public record Batch(List<Integer> slots, List<Previous> previous) {}
