package dev.rollout.agent.engine.docker;

import java.nio.charset.StandardCharsets;

/** A tar archive with one file in it, which is how the Engine takes a file. */
final class Tar {
    private static final int BLOCK = 512;

    private Tar() {}

    static byte[] of(MountsJson.CopiedFile file) {
        byte[] content = file.content().getBytes(StandardCharsets.UTF_8);
        byte[] archive = new byte[BLOCK + (content.length + BLOCK - 1) / BLOCK * BLOCK + 2 * BLOCK];
        put(archive, 0, file.path().substring(1));
        put(archive, 100, String.format("%07o", file.mode()));
        put(archive, 108, String.format("%07o", file.uid()));
        put(archive, 116, String.format("%07o", file.gid()));
        put(archive, 124, String.format("%011o", content.length));
        put(archive, 136, String.format("%011o", 0));
        put(archive, 148, "        ");
        archive[156] = '0';
        put(archive, 257, "ustar\00000");
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += archive[i] & 0xff;
        }
        put(archive, 148, String.format("%06o\0 ", sum));
        System.arraycopy(content, 0, archive, BLOCK, content.length);
        return archive;
    }

    private static void put(byte[] archive, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, archive, at, bytes.length);
    }
}
