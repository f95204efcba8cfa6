package dev.rollout.agent.compose;

/** Where something stands in the user's files; lines count from 1. */
record Mark(String file, int line) {
    @Override
    public String toString() {
        return file + ":" + line;
    }
}
