package dev.rollout.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.wire.OtherProcess;

/** The verbs of the agent itself. */
final class AgentVerb {
    private static final long STOP_MILLIS = 15_000;

    private AgentVerb() {}

    /** Of an agent that this user may stop. */
    private static long pid(Verb verb) {
        long pid = verb.agent().get("/v1/agent").path("pid").asLong();
        if (!AgentFolders.areMine(verb.folders())) {
            throw new CliException(
                    Exit.NOT_ALLOWED, "the agent (pid " + pid + ") is another user's: ask as that one, or use sudo");
        }
        return pid;
    }

    static final class Start extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("start an agent in the background");
        }

        @Override
        int run(Line line) {
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

    static final class Stop extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("stop the agent; a rollout in progress is resumed by the next one");
        }

        @Override
        int run(Line line) throws InterruptedException {
            long pid = pid(this);
            if (AgentUnit.has(pid)) {
                AgentUnit.stop();
            } else {
                agent().post("/v1/agent/stop", body());
            }
            if (!OtherProcess.endsWithin(pid, STOP_MILLIS)) {
                throw new CliException(Exit.FAILED, "the agent (pid " + pid + ") does not stop");
            }
            System.out.println("stopped: pid " + pid);
            return Exit.DONE;
        }
    }

    /** Rollouts in progress are resumed by the new agent, and no connection is lost: nobody sees it but the log. */
    static final class Upgrade extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("replace the agent and, as root, the gateway by this program; rollouts and traffic go on");
        }

        @Override
        int run(Line line) throws InterruptedException {
            String before = agent().get("/v1/agent").path("version").asText();
            long pid = replaced(line);
            System.out.println("upgraded: " + before + " to "
                    + agent().get("/v1/agent").path("version").asText() + ", pid " + pid);
            return GatewayVerb.Upgrade.wanted(this) ? new GatewayVerb.Upgrade().run(line) : Exit.DONE;
        }

        /** The new one's pid. */
        private long replaced(Line line) throws InterruptedException {
            if (AgentUnit.has(pid(this))) {
                AgentUnit.restart();
                return AgentStarter.awaited(folders());
            }
            new Stop().run(line);
            return AgentStarter.start(folders());
        }
    }

    static final class State extends Verb {
        @Override
        Syntax syntax() {
            return Syntax.of("pid, socket, version, folders").choice("format", Format.values(), "how to print it");
        }

        @Override
        int run(Line line) {
            JsonNode agent = agent().get("/v1/agent");
            if (Format.of(line) == Format.JSON) {
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
