package dev.rollout.agent.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.rollout.agent.compose.ProjectLoader;
import dev.rollout.agent.json.Json;
import dev.rollout.agent.model.ProjectSpec;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

final class Config extends Verb {
    /** How to print it. */
    enum As {
        YAML,
        JSON
    }

    @Override
    Syntax syntax() {
        return Syntax.of("the canonical model of the files")
                .services()
                .choice("format", As.values(), "how to print it")
                .flag("q", "quiet", "check the files only")
                .flag(null, "services", "print the services' names instead")
                .flag(null, "hash", "print Compose's config hash of every service instead");
    }

    @Override
    int run(Line line) throws JsonProcessingException {
        ProjectSpec loaded = new ProjectOptions(line).load(line.words());
        if (line.has("quiet")) {
            return Exit.DONE;
        }
        if (line.has("services")) {
            loaded.services().forEach(System.out::println);
            return Exit.DONE;
        }
        if (line.has("hash")) {
            loaded.hashes().forEach((service, hashes) -> System.out.println(service + " " + hashes.getFirst()));
            return Exit.DONE;
        }
        Object tree = ProjectLoader.printable(loaded.tree());
        if (line.choice("format", As.YAML) == As.JSON) {
            System.out.println(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(tree));
        } else {
            DumperOptions options = new DumperOptions();
            options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
            System.out.print(new Yaml(options).dump(tree));
        }
        return Exit.DONE;
    }
}
