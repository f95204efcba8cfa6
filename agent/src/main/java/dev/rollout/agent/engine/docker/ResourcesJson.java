package dev.rollout.agent.engine.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.rollout.agent.model.Tree;

/** Limits and devices of a service, as the Engine wants them. */
final class ResourcesJson {
    private final Tree service;

    ResourcesJson(Tree service) {
        this.service = service;
    }

    void into(ObjectNode host) {
        Tree limits = service.at("deploy", "resources", "limits");
        Tree reservations = service.at("deploy", "resources", "reservations");
        number(host, "CpuShares", "cpu_shares");
        number(host, "CpuPeriod", "cpu_period");
        number(host, "CpuQuota", "cpu_quota");
        number(host, "CpuRealtimePeriod", "cpu_rt_period");
        number(host, "CpuRealtimeRuntime", "cpu_rt_runtime");
        number(host, "OomScoreAdj", "oom_score_adj");
        number(host, "ShmSize", "shm_size");
        number(host, "MemorySwap", "memswap_limit");
        number(host, "MemorySwappiness", "mem_swappiness");
        if (service.text("cpuset") != null) {
            host.put("CpusetCpus", service.text("cpuset"));
        }
        double cpus = limits.number("cpus", service.number("cpus", 0));
        if (cpus > 0) {
            host.put("NanoCpus", Math.round(cpus * 1e9));
        }
        positive(host, "Memory", limits.whole("memory", service.whole("mem_limit", 0)));
        positive(host, "MemoryReservation", reservations.whole("memory", service.whole("mem_reservation", 0)));
        long pids = limits.whole("pids", service.whole("pids_limit", 0));
        if (pids != 0) {
            host.put("PidsLimit", pids);
        }
        if (service.flag("oom_kill_disable")) {
            host.put("OomKillDisable", true);
        }
        ulimits(host);
        devices(host, reservations);
        blockIo(host);
    }

    private void number(ObjectNode host, String name, String key) {
        if (service.at(key).isPresent()) {
            host.put(name, service.whole(key, 0));
        }
    }

    private static void positive(ObjectNode host, String name, long value) {
        if (value > 0) {
            host.put(name, value);
        }
    }

    private void ulimits(ObjectNode host) {
        if (!service.at("ulimits").isPresent()) {
            return;
        }
        ArrayNode ulimits = host.putArray("Ulimits");
        service.map("ulimits").forEach((name, value) -> {
            Ulimit limit = Ulimit.of(value);
            ulimits.addObject().put("Name", name).put("Soft", limit.soft()).put("Hard", limit.hard());
        });
    }

    private void devices(ObjectNode host, Tree reservations) {
        if (service.at("devices").isPresent()) {
            ArrayNode devices = host.putArray("Devices");
            service.list("devices")
                    .forEach(device -> devices.addObject()
                            .put("PathOnHost", device.text("source"))
                            .put("PathInContainer", device.text("target"))
                            .put("CgroupPermissions", device.text("permissions", "rwm")));
        }
        reservations.list("devices").forEach(device -> request(host, device));
        service.list("gpus").forEach(device -> request(host, device).add("gpu"));
    }

    /** The capabilities that it asks for. */
    private static ArrayNode request(ObjectNode host, Tree device) {
        ObjectNode request = host.withArray("DeviceRequests")
                .addObject()
                .put("Driver", device.text("driver", ""))
                .put("Count", device.integer("count", device.at("device_ids").isPresent() ? 0 : -1));
        ArrayNode ids = request.putArray("DeviceIDs");
        device.texts("device_ids").forEach(ids::add);
        ArrayNode capabilities = request.putArray("Capabilities").addArray();
        device.texts("capabilities").forEach(capabilities::add);
        ObjectNode options = request.putObject("Options");
        device.map("options").forEach((k, v) -> options.put(k, String.valueOf(v)));
        return capabilities;
    }

    private void blockIo(ObjectNode host) {
        Tree blkio = service.at("blkio_config");
        if (!blkio.isPresent()) {
            return;
        }
        positive(host, "BlkioWeight", blkio.whole("weight", 0));
        weights(host, blkio);
        rates(host, blkio, "BlkioDeviceReadBps", "device_read_bps");
        rates(host, blkio, "BlkioDeviceReadIOps", "device_read_iops");
        rates(host, blkio, "BlkioDeviceWriteBps", "device_write_bps");
        rates(host, blkio, "BlkioDeviceWriteIOps", "device_write_iops");
    }

    private static void weights(ObjectNode host, Tree blkio) {
        if (blkio.at("weight_device").isPresent()) {
            ArrayNode array = host.putArray("BlkioWeightDevice");
            blkio.list("weight_device")
                    .forEach(device -> array.addObject()
                            .put("Path", device.text("Path"))
                            .put("Weight", device.integer("Weight", 0)));
        }
    }

    private static void rates(ObjectNode host, Tree blkio, String name, String key) {
        if (blkio.at(key).isPresent()) {
            ArrayNode array = host.putArray(name);
            blkio.list(key)
                    .forEach(device ->
                            array.addObject().put("Path", device.text("Path")).put("Rate", device.whole("Rate", 0)));
        }
    }
}
