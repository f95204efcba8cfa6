package dev.rollout.agent.model;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A server that has its data to itself. Two of one must not run at once: Postgres takes the lock of one in another container
 * for its own of before, since both are process 1 there, and both write; and what a Redis has in memory when another one
 * has begun beside it, the other does not hear of.
 */
final class DataStore {
    /** The last parts of images' names. */
    private static final Set<String> IMAGES = Set.of(
            "postgres",
            "postgresql",
            "postgis",
            "timescaledb",
            "timescaledb-ha",
            "pgvector",
            "pgvecto-rs",
            "mysql",
            "mysql-server",
            "mariadb",
            "percona",
            "percona-server",
            "mongo",
            "mongodb",
            "mongodb-community-server",
            "redis",
            "redis-stack",
            "redis-stack-server",
            "valkey",
            "keydb",
            "dragonfly",
            "rabbitmq",
            "elasticsearch",
            "opensearch",
            "cassandra",
            "scylla",
            "clickhouse",
            "clickhouse-server",
            "influxdb",
            "neo4j",
            "couchdb",
            "couchbase",
            "arangodb",
            "rethinkdb",
            "surrealdb",
            "cockroach",
            "questdb",
            "etcd",
            "zookeeper",
            "kafka",
            "minio",
            "meilisearch",
            "typesense",
            "qdrant",
            "prometheus",
            "victoria-metrics");

    /** Where such servers have their data in a container, whatever the image is called. */
    private static final List<String> FOLDERS = List.of(
            "/var/lib/postgresql",
            "/bitnami/postgresql",
            "/var/lib/mysql",
            "/bitnami/mysql",
            "/bitnami/mariadb",
            "/data/db",
            "/bitnami/mongodb",
            "/bitnami/redis",
            "/var/lib/rabbitmq",
            "/usr/share/elasticsearch/data",
            "/var/lib/cassandra",
            "/var/lib/clickhouse",
            "/var/lib/influxdb",
            "/var/lib/influxdb2");

    private DataStore() {}

    /** How it is replaced where the file does not say it. */
    static Order order(Tree service) {
        return of(service).isPresent() ? Order.STOP_FIRST : Order.START_FIRST;
    }

    /** What a service of the file is that has its data to itself: its image's name, or the folder of its data. */
    static Optional<String> of(Tree service) {
        String image = service.text("image", "")
                .replaceFirst("@.*", "")
                .replaceFirst(".*/", "")
                .replaceFirst(":.*", "");
        return IMAGES.contains(image)
                ? Optional.of(image)
                : service.list("volumes").stream()
                        .filter(mount -> !mount.flag("read_only"))
                        .map(mount -> mount.text("target", ""))
                        .filter(target -> FOLDERS.stream().anyMatch(folder -> (target + "/").startsWith(folder + "/")))
                        .findFirst();
    }
}
