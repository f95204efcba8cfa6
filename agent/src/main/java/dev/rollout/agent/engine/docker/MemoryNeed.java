package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.JsonNode;
import dev.rollout.agent.model.Instance;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Tree;
import dev.rollout.agent.rollout.ContainerEngine;
import java.util.List;

/** What a second set of a service's containers may take of the host's memory: its limit, else what they use now. */
final class MemoryNeed {
    private final DockerApi api;

    MemoryNeed(DockerApi api) {
        this.api = api;
    }

    /** @param candidates how many are started beside those */
    ContainerEngine.Memory of(ServiceSpec spec, List<Instance> observed, int candidates) {
        long each = new Tree(spec.definition().value())
                .at("deploy", "resources", "limits")
                .whole("memory", spec.definition().whole("mem_limit", 0));
        if (each <= 0) {
            each = observed.stream()
                    .filter(Instance::running)
                    .mapToLong(running -> used(running.id()))
                    .max()
                    .orElse(0);
        }
        return new ContainerEngine.Memory(each * candidates, HostMemory.available());
    }

    private long used(String id) {
        return api.inspect(id)
                .map(found -> ContainerMemory.used(id, found.at("/State/Pid").asLong())
                        .orElseGet(() -> usedAsTheEngineSays(id)))
                .orElse(0L); // it has gone since it was listed
    }

    private long usedAsTheEngineSays(String id) {
        JsonNode memory = api.get("/containers/" + id + "/stats?stream=false&one-shot=true")
                .path("memory_stats");
        return memory.path("usage").asLong()
                - memory.at("/stats/total_inactive_file")
                        .asLong(memory.at("/stats/inactive_file").asLong());
    }
}
