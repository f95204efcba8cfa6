package dev.rollout.lib;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The short form of scripts/torture. */
class TortureIT {
    private static void torture(int ids, List<Language> languages, int javas) throws Exception {
        Language.image();
        Torture torture = new Torture(ids, System.nanoTime(), languages, javas);
        try {
            torture.run(900);
            System.out.println(torture.account());
        } finally {
            torture.close();
        }
    }

    @Test
    void everyIdHasOneWinnerOnASharedLogWhateverIsKilledOrStopped() throws Exception {
        torture(250_000, List.of(Language.NODE), 3);
    }

    @Test
    void everyIdHasOneWinnerOnARollbackJournalInEveryLanguage() throws Exception {
        torture(60_000, List.of(Language.values()), 1);
    }
}
