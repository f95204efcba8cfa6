package dev.rollout.agent.cli;

final class Abort extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("end a rollout in progress, keeping the previous")
                .words(RolloutInProgress.SHOWN, 0, 1)
                .project();
    }

    @Override
    int run(Line line) {
        AgentSocket agent = agent();
        String id = RolloutInProgress.id(agent, line);
        agent.post("/v1/rollouts/" + id + "/abort", body());
        System.out.println("asked " + id + " to end; 'rollout attach " + id + "' follows it");
        return Exit.DONE;
    }
}
