package dev.rollout.agent.api;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Answers to requests with an Idempotency-Key: the same key again does nothing again. It remembers the last thousand. */
final class Repeats<T> {
    private static final int MOST = 1000;

    private final Map<String, CompletableFuture<T>> answers = new LinkedHashMap<>();

    /** Does it, or waits for and gives what the same key was answered. What failed may be tried again. */
    T once(String key, Supplier<T> work) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        CompletableFuture<T> there;
        synchronized (answers) {
            there = answers.putIfAbsent(key, answer);
            if (answers.size() > MOST) {
                answers.remove(answers.keySet().iterator().next());
            }
        }
        if (there != null) {
            try {
                return there.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                throw e;
            }
        }
        try {
            T done = work.get();
            answer.complete(done);
            return done;
        } catch (RuntimeException e) {
            synchronized (answers) {
                answers.remove(key, answer);
            }
            answer.completeExceptionally(e);
            throw e;
        }
    }
}
