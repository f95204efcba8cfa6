package dev.rollout.agent.rollout;

/** The agent dies here: nothing after it happens. */
final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Counts down the calls until the agent dies, before or after the call has its effect. */
    static final class At {
        private int left;

        At(int call) {
            left = call;
        }

        /** Around every call of the outside world: an odd countdown dies before it, an even one after. */
        void around(Runnable effect) {
            if (left-- == 0) {
                throw new Crash();
            }
            effect.run();
            if (left-- == 0) {
                throw new Crash();
            }
        }

        boolean happened() {
            return left < 0;
        }
    }
}
