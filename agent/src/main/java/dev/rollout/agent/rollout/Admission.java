package dev.rollout.agent.rollout;

import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.Order;
import dev.rollout.agent.model.Previous;
import dev.rollout.agent.model.Readiness;
import dev.rollout.agent.model.ServiceKey;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.rollout.plan.Plan;
import dev.rollout.contract.Mode;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What must hold of a service before anything of it is started.
 *
 * @param agent this agent's id
 */
record Admission(Ports ports, String agent) {
    /**
     * Changes nothing.
     *
     * @throws Refused where the service cannot be rolled as it is written
     * @throws ServiceBusy where its roles are another agent's
     */
    void check(ServiceSpec spec) {
        List<String> refusals =
                spec.project().refusals().getOrDefault(spec.key().service(), List.of());
        if (!refusals.isEmpty()) {
            throw new Refused(Refused.Why.USAGE, String.join("\n", refusals));
        }
        addressesAreReached(spec);
        if (spec.publishesPorts()) {
            ports.traffic().refusal(spec, ports.engine().instances(spec.key())).ifPresent(sentence -> {
                throw new Refused(Refused.Why.USAGE, "services." + spec.key().service() + " " + sentence);
            });
        }
        if (spec.handover() != null) {
            oneIsActive(spec, spec.handover().mode());
            ports.roles().refusal().ifPresent(sentence -> {
                throw new Refused(Refused.Why.HOST, sentence + "; nothing was started");
            });
            rolesAreHere(spec);
        }
    }

    /**
     * Of two versions that run at once neither may need what only one can have.
     *
     * @throws Refused where the new one would disturb the previous, or could not start beside it
     */
    void checkOverlap(Plan plan) {
        ServiceSpec spec = plan.spec();
        boolean overlap = spec.update().order() == Order.START_FIRST
                && plan.batches().stream()
                        .anyMatch(batch -> !batch.slots().isEmpty()
                                && batch.previous().stream().anyMatch(Previous::running));
        List<String> fixed = overlap ? spec.fixedAddresses() : List.of();
        if (!fixed.isEmpty()) {
            throw new Refused(
                    Refused.Why.USAGE,
                    "services." + spec.key().service() + " has an address of its own (" + String.join(", ", fixed)
                            + "), which its previous container has until it ends. Set"
                            + " deploy.update_config.order to stop-first (or give --order stop-first), or let others reach"
                            + " it by its name, '" + spec.key().service() + "', and remove the address");
        }
    }

    /** The namespaces of a container end with it, and what shares them is cut off: of one that is to go nobody may have any. */
    void checkNamespaces(Plan plan) {
        Set<String> ending = plan.batches().stream()
                .flatMap(batch -> batch.previous().stream())
                .filter(Previous::running)
                .map(Previous::id)
                .collect(Collectors.toSet());
        ServiceKey key = plan.spec().key();
        List<String> users = ending.isEmpty() ? List.of() : ports.engine().namespaceUsers(key, ending);
        if (!users.isEmpty()) {
            throw new Refused(
                    Refused.Why.USAGE,
                    String.join(", ", users) + " would be cut off: what has a namespace of " + key.service()
                            + " (network_mode, pid or ipc: service:" + key.service()
                            + ") loses it with the previous container. Replace them together, with 'docker compose up -d'");
        }
    }

    /** They are another network's, in which the same address may well be somebody else's. */
    private void addressesAreReached(ServiceSpec spec) {
        boolean led = spec.publishesPorts() && ports.traffic().routes(spec);
        boolean asked = spec.readiness().check() instanceof Readiness.Check.Tcp
                || spec.readiness().check() instanceof Readiness.Check.Http http && http.unix() == null;
        if ((led || asked) && ports.engine().isolation().ownNetwork()) {
            throw new Refused(
                    Refused.Why.HOST,
                    "services." + spec.key().service() + (led ? " publishes ports" : " is asked by its address")
                            + ", and this Engine is rootless: its containers have addresses in a network of their own, which"
                            + " nobody reaches from here; nothing was started. "
                            + (led
                                    ? "Set deploy.update_config.order to stop-first (or give --order stop-first), or use"
                                            + " the system's Engine"
                                    : "Say it by a healthcheck, or by x-rollout.readiness exec or role"));
        }
    }

    private static void oneIsActive(ServiceSpec spec, Mode mode) {
        if (mode != Mode.COMPETING && spec.replicas() > 1) {
            throw new Refused(
                    Refused.Why.USAGE,
                    "services." + spec.key().service() + " has " + spec.replicas()
                            + " replicas, but with x-rollout.handover.mode "
                            + mode.word()
                            + " one instance is active at a time: set one replica, or mode: competing");
        }
    }

    /** Two instances that look into different folders are both active: each event would be handled twice. */
    private void rolesAreHere(ServiceSpec spec) {
        if (spec.update().order() == Order.STOP_FIRST) {
            return;
        }
        String here = ports.roles().folder(spec.key());
        for (Instance instance : ports.engine().instances(spec.key())) {
            boolean others = !instance.agent().isEmpty() && !instance.agent().equals(agent);
            Optional<String> there = others && instance.up()
                    ? ports.engine().folder(instance.id(), RoleKeeper.INSIDE)
                    : Optional.empty();
            if (there.isPresent() && !there.get().equals(here)) {
                throw new ServiceBusy(
                        spec.key() + " is another agent's: " + instance.name() + " has its role and its claims in "
                                + there.get() + ", this agent's are in " + here
                                + ", so both versions would handle the same events; nothing was started. Ask that agent"
                                + " (as the user whose it is), or give the service to this one with --order stop-first",
                        "");
            }
        }
    }
}
