package dev.rollout.agent.model;

/**
 * Which users of the host those of containers are: where the Engine maps them (dockerd's {@code userns-remap}), root of a
 * container is {@code uid} and {@code gid} there, and the others count on from it.
 */
public record UserMap(int uid, int gid) {
    /** Every user is itself. */
    public static final UserMap NONE = new UserMap(0, 0);

    /** As the Engine names its folder: {@code /var/lib/docker/165536.165536}. */
    public static UserMap ofFolder(String folder) {
        String[] ids = folder.substring(folder.lastIndexOf('/') + 1).split("\\.");
        return new UserMap(Integer.parseInt(ids[0]), Integer.parseInt(ids[1]));
    }
}
