package dev.rollout.agent.engine.docker;

/** The labels on our containers: Compose's, and a few of our own. */
final class Labels {
    static final String COMPOSE = "com.docker.compose.";
    static final String PROJECT = "com.docker.compose.project";
    static final String SERVICE = "com.docker.compose.service";
    static final String NUMBER = "com.docker.compose.container-number";
    static final String ONE_OFF = "com.docker.compose.oneoff";
    static final String CONFIG_HASH = "com.docker.compose.config-hash";
    static final String CONFIG_FILES = "com.docker.compose.project.config_files";
    static final String WORKING_DIR = "com.docker.compose.project.working_dir";
    static final String ENV_FILES = "com.docker.compose.project.environment_file";
    static final String DEPENDS_ON = "com.docker.compose.depends_on";
    static final String IMAGE = "com.docker.compose.image";
    static final String VERSION = "com.docker.compose.version";

    /** The Compose whose containers ours are like. */
    static final String COMPOSE_VERSION = "2.26.1";

    static final String OURS = "dev.rollout.";
    static final String ROLLOUT = "dev.rollout.id";
    static final String GENERATION = "dev.rollout.generation";
    static final String AGENT = "dev.rollout.agent";
    static final String PARKED = "dev.rollout.parked";

    private Labels() {}
}
