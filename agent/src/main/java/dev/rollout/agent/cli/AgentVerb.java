package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.Folders;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The verbs of the agent itself. */
@Command(
        name = "agent",
        description = "run, start, stop or look at the agent",
        subcommands = {AgentVerb.Start.class, AgentVerb.Stop.class, AgentVerb.State.class})
final class AgentVerb extends Verb {
    private static final long STOP_MILLIS = 15_000;

    @Override
    public Integer call() {
        throw new CliException(Exit.USAGE, "rollout agent run|start|stop|status");
    }

    /** In the foreground, as a service manager wants it. */
    @Command(name = "run", description = "run the agent in the foreground")
    static final class Run extends Verb {
        private final ToIntFunction<Folders> agent;

        Run(ToIntFunction<Folders> agent) {
            this.agent = agent;
        }

        @Override
        public Integer call() {
            return agent.applyAsInt(folders());
        }
    }

    @Command(name = "start", description = "start an agent in the background")
    static final class Start extends Verb {
        @Override
        public Integer call() {
            if (agent().answers()) {
                System.out.println("an agent runs already: pid "
                        + agent().get("/v1/agent").path("pid").asLong());
                return Exit.DONE;
            }
            System.out.println("started: pid " + AgentStarter.start(folders()) + ", log "
                    + folders().log());
            return Exit.DONE;
        }
    }

    @Command(name = "stop", description = "stop the agent; a rollout in progress is resumed by the next one")
    static final class Stop extends Verb {
        @Override
        public Integer call() throws InterruptedException {
            long pid = agent().get("/v1/agent").path("pid").asLong();
            agent().post("/v1/agent/stop", body());
            long start = System.nanoTime();
            while (ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
                if ((System.nanoTime() - start) / 1_000_000 > STOP_MILLIS) {
                    throw new CliException(Exit.FAILED, "the agent (pid " + pid + ") does not stop");
                }
                Thread.sleep(20);
            }
            System.out.println("stopped: pid " + pid);
            return Exit.DONE;
        }
    }

    @Command(name = "status", description = "pid, socket, version, folders")
    static final class State extends Verb {
        @Option(names = "--format", paramLabel = "table|json", defaultValue = "TABLE")
        private Format format = Format.TABLE;

        @Override
        public Integer call() {
            JsonNode agent = agent().get("/v1/agent");
            if (format == Format.JSON) {
                System.out.println(Json.text(agent));
            } else {
                agent.fields()
                        .forEachRemaining(f -> System.out.println(
                                f.getKey() + ": " + f.getValue().asText()));
            }
            return Exit.DONE;
        }
    }
}
