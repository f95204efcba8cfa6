package dev.rollout.check;

/** HTTP status codes that pass, both ends included: {@code 200-399}, or one code: {@code 204}. */
public record StatusRange(int from, int to) {
    /** What an HTTP check takes for good where nothing else is said. */
    public static final StatusRange DEFAULT = new StatusRange(200, 399);

    /** @throws IllegalArgumentException where the text is no code and no range of codes */
    public static StatusRange parse(String text) {
        String[] ends = text.strip().split("-", -1);
        try {
            int from = Integer.parseInt(ends[0].strip());
            int to = ends.length == 1 ? from : Integer.parseInt(ends[1].strip());
            if (ends.length <= 2 && from >= 100 && to <= 599 && from <= to) {
                return new StatusRange(from, to);
            }
        } catch (NumberFormatException e) {
            // said below, as for any other shape
        }
        throw new IllegalArgumentException("'" + text + "' is not a status (204) or a range of them (200-399)");
    }

    public boolean contains(int code) {
        return code >= from && code <= to;
    }
}
