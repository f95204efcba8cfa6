package dev.rollout.agent.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.rollout.agent.compose.ProjectLoader;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.ProjectSpec;
import java.util.ArrayList;
import java.util.List;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "config", description = "the canonical model of the files")
final class Config extends Verb {
    /** How to print it. */
    enum As {
        YAML,
        JSON
    }

    @Mixin
    private ProjectOptions project = new ProjectOptions();

    @Parameters(paramLabel = "SERVICE")
    private List<String> services = new ArrayList<>();

    @Option(names = "--format", paramLabel = "yaml|json", defaultValue = "YAML")
    private As format = As.YAML;

    @Option(names = "--hash", description = "print Compose's config hash of every service instead")
    private boolean hash;

    @Override
    public Integer call() throws JsonProcessingException {
        ProjectSpec loaded = project.load(services);
        if (hash) {
            loaded.hashes().forEach((service, hashes) -> System.out.println(service + " " + hashes.getFirst()));
            return Exit.DONE;
        }
        Object tree = ProjectLoader.printable(loaded.tree());
        if (format == As.JSON) {
            System.out.println(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(tree));
        } else {
            DumperOptions options = new DumperOptions();
            options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
            System.out.print(new Yaml(options).dump(tree));
        }
        return Exit.DONE;
    }
}
