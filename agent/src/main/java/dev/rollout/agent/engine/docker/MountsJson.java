package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.rollout.agent.model.ServiceSpec;
import dev.rollout.agent.model.Tree;
import dev.rollout.agent.rollout.EngineRefused;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Volumes, secrets and configs of a service, as the Engine wants them: binds where Compose uses binds, else mounts. */
final class MountsJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Tree service;
    private final Tree project;

    MountsJson(ServiceSpec spec) {
        this.service = spec.definition();
        this.project = new Tree(spec.project().tree());
    }

    void into(ObjectNode host, List<String> injectedBinds, Map<String, String> inheritedVolumes) {
        ArrayNode binds = NODES.arrayNode();
        ArrayNode mounts = NODES.arrayNode();
        for (Tree mount : service.list("volumes")) {
            String type = mount.text("type", "volume");
            String source = mount.text("source");
            // a mount cannot make a missing folder of the host on older Engines, a bind can
            boolean asBind = type.equals("bind")
                    && mount.at("bind").flag("create_host_path")
                    && !mount.at("bind", "recursive").isPresent();
            if (asBind) {
                binds.add(bind(mount, Objects.requireNonNull(source)));
            } else {
                mounts.add(mount(mount, type, inheritedVolumes));
            }
        }
        inheritedVolumes.forEach((target, volume) -> {
            if (service.list("volumes").stream().noneMatch(mount -> target.equals(mount.text("target")))) {
                mounts.addObject().put("Type", "volume").put("Source", volume).put("Target", target);
            }
        });
        fileMounts(mounts, "secrets", "/run/secrets/");
        fileMounts(mounts, "configs", "/");
        injectedBinds.forEach(binds::add);
        if (!binds.isEmpty()) {
            host.set("Binds", binds);
        }
        if (!mounts.isEmpty()) {
            host.set("Mounts", mounts);
        }
    }

    private String volumeName(@Nullable String key) {
        return project.at("volumes", String.valueOf(key)).text("name", String.valueOf(key));
    }

    private static String bind(Tree mount, String source) {
        List<String> options = new ArrayList<>();
        options.add(mount.flag("read_only") ? "ro" : "rw");
        String propagation = mount.at("bind").text("propagation");
        String selinux = mount.at("bind").text("selinux");
        if (propagation != null) {
            options.add(propagation);
        }
        if (selinux != null) {
            options.add(selinux);
        }
        return source + ":" + mount.text("target") + ":" + String.join(",", options);
    }

    private ObjectNode mount(Tree mount, String type, Map<String, String> inheritedVolumes) {
        ObjectNode node = NODES.objectNode().put("Type", type).put("Target", mount.text("target"));
        String source = mount.text("source");
        if (source != null) {
            node.put("Source", type.equals("volume") ? volumeName(source) : source);
        } else if (inheritedVolumes.get(mount.text("target", "")) != null) {
            node.put("Source", inheritedVolumes.get(mount.text("target", "")));
        }
        if (mount.flag("read_only")) {
            node.put("ReadOnly", true);
        }
        if (mount.text("consistency") != null) {
            node.put("Consistency", mount.text("consistency"));
        }
        bindOptions(node, mount.at("bind"));
        Tree volume = mount.at("volume");
        if (type.equals("volume") && volume.isPresent()) {
            ObjectNode options = node.putObject("VolumeOptions");
            if (volume.flag("nocopy")) {
                options.put("NoCopy", true);
            }
            if (volume.text("subpath") != null) {
                options.put("Subpath", volume.text("subpath"));
            }
            volume.map("labels")
                    .forEach((key, value) -> options.withObject("/Labels").put(key, (String) value));
        }
        if (type.equals("image") && mount.at("image", "subpath").isPresent()) {
            node.putObject("ImageOptions").put("Subpath", mount.at("image").text("subpath"));
        }
        Tree tmpfs = mount.at("tmpfs");
        if (tmpfs.isPresent()) {
            ObjectNode options = node.putObject("TmpfsOptions");
            if (tmpfs.text("size") != null) {
                options.put("SizeBytes", tmpfs.whole("size", 0));
            }
            if (tmpfs.at("mode").isPresent()) {
                options.put("Mode", tmpfs.integer("mode", 0));
            }
        }
        return node;
    }

    private static void bindOptions(ObjectNode mount, Tree bind) {
        ObjectNode options = NODES.objectNode();
        if (bind.text("propagation") != null) {
            options.put("Propagation", bind.text("propagation"));
        }
        String recursive = bind.text("recursive");
        if (recursive != null && bind.flag("create_host_path")) {
            options.put("CreateMountpoint", true);
        }
        switch (recursive) {
            case "disabled" -> options.put("NonRecursive", true);
            case "writable" -> options.put("ReadOnlyNonRecursive", true);
            case "readonly" -> options.put("ReadOnlyForceRecursive", true);
            case null, default -> {}
        }
        if (!options.isEmpty()) {
            mount.set("BindOptions", options);
        }
    }

    private void fileMounts(ArrayNode mounts, String section, String folder) {
        for (Tree use : service.list(section)) {
            Tree definition = project.at(section, use.text("source", ""));
            String file = definition.text("file");
            if (definition.flag("external")) {
                throw new EngineRefused(
                        0, section + "." + use.text("source") + " is external, which needs Swarm; use a file");
            }
            if (file != null) {
                mounts.addObject()
                        .put("Type", "bind")
                        .put("Source", file)
                        .put("Target", target(use, folder))
                        .put("ReadOnly", true);
            }
        }
    }

    private static String target(Tree use, String folder) {
        String target = use.text("target", folder + use.text("source"));
        return target.startsWith("/") ? target : folder + target;
    }

    /** A file whose content is in the model: copied into the container before it starts. */
    record CopiedFile(String path, String content, long mode, long uid, long gid) {}

    List<CopiedFile> copiedFiles() {
        List<CopiedFile> files = new ArrayList<>();
        for (String section : List.of("secrets", "configs")) {
            for (Tree use : service.list(section)) {
                Tree definition = project.at(section, use.text("source", ""));
                String variable = definition.text("environment");
                String content = variable == null ? definition.text("content") : System.getenv(variable);
                if (content != null) {
                    files.add(new CopiedFile(
                            target(use, section.equals("secrets") ? "/run/secrets/" : "/"),
                            content,
                            use.whole("mode", 0444),
                            use.whole("uid", 0),
                            use.whole("gid", 0)));
                }
            }
        }
        return files;
    }
}
