package dev.rollout.lib;

/**
 * What a standby has seen beside the active instance, looked at after its replay.
 *
 * <p>Both saw the same events in that time, so the standby must lose some of them to the other. Where it loses none,
 * though the other has won many, the ids are not the events' own (a sequence number of the session, a random number):
 * every event of an overlap is handled twice then, and nobody else can notice.
 *
 * @param events how many were kept when the role came
 * @param sinceMillis when the first of them came, Unix time
 * @param lostBefore what the inbox had lost by then
 */
record Overlap(int events, long sinceMillis, long lostBefore) {
    /** Fewer may have come all after the other's last one. */
    private static final int ENOUGH = 20;

    boolean isEnough(long lost) {
        return events >= ENOUGH && lost == lostBefore;
    }

    boolean idsDiffer(long wonByOthers) {
        return wonByOthers >= ENOUGH;
    }

    String words(long wonByOthers) {
        return "event ids differ between the sessions: of " + events + " events that were seen beside another instance,"
                + " none has an id that the other has won, and it has won " + wonByOthers
                + "; take an id that the event has in every session, or each is handled twice";
    }
}
