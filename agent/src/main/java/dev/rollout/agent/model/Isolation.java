package dev.rollout.agent.model;

/**
 * How far an Engine's containers are set apart from its host: by users of their own (dockerd's {@code userns-remap}), or by a
 * network of their own as well (a rootless Engine).
 *
 * @param uid who a container's root is on the host; the others count on from it under {@code userns-remap}
 * @param gid the same of its group
 * @param ownNetwork whether the addresses of its containers mean nothing outside
 */
public record Isolation(int uid, int gid, boolean ownNetwork) {
    public static final Isolation NONE = new Isolation(0, 0, false);

    /** Of an Engine with {@code userns-remap}, which names its folder so: {@code /var/lib/docker/165536.165536}. */
    public static Isolation ofFolder(String folder) {
        String[] ids = folder.substring(folder.lastIndexOf('/') + 1).split("\\.");
        return new Isolation(Integer.parseInt(ids[0]), Integer.parseInt(ids[1]), false);
    }

    /** Of a rootless Engine of this process's user. */
    public static Isolation ofOwn() {
        OwnUser own = OwnUser.get();
        return new Isolation(own.uid(), own.gid(), true);
    }

    /** The number that a group of the host has in a container. */
    public int inside(int group) {
        return group - gid;
    }
}
