/* The floor of claims: the contract's statement from C, on the same tables. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CLAIMS = 200000 };
static long long took[CLAIMS];

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int up(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

/* A claim as the contract has it: the statement, and where it adds no row, the one read that tells why. */
static void run(sqlite3 *db, sqlite3_stmt *claim, sqlite3_stmt *why, const char *prefix, const char *what) {
    long long sum = 0;
    for (int i = 0; i < CLAIMS; i++) {
        char id[64];
        long long start = now();
        snprintf(id, sizeof id, "%s%d", prefix, i);
        sqlite3_bind_int(claim, 1, 1);
        sqlite3_bind_text(claim, 2, id, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(claim, 3, 1);
        sqlite3_bind_int64(claim, 4, 1000000);
        sqlite3_bind_int64(claim, 5, 0x7fffffffffffffffLL);
        sqlite3_step(claim);
        sqlite3_reset(claim);
        if (sqlite3_changes(db) == 0) {
            sqlite3_bind_text(why, 1, id, -1, SQLITE_TRANSIENT);
            sqlite3_bind_int64(why, 2, 1);
            if (sqlite3_step(why) == SQLITE_ROW && sqlite3_column_int64(why, 0) < 0) exit(1);
            sqlite3_reset(why);
        }
        took[i] = now() - start;
        sum += took[i];
    }
    if (what) {
        qsort(took, CLAIMS, sizeof *took, up);
        printf("%s %lld k/s, p50 %.1f us, p99 %.1f us\n", what, CLAIMS * 1000000LL / sum, took[CLAIMS / 2] / 1e3,
               took[CLAIMS / 100 * 99] / 1e3);
    }
}

int main(int argc, char **argv) {
    char file[512];
    sqlite3 *db;
    sqlite3_stmt *claim, *why;
    if (argc < 2) return 2;
    mkdir(argv[1], 0700);
    snprintf(file, sizeof file, "%s/claims.db", argv[1]);
    if (sqlite3_open(file, &db)) return 1;
    if (sqlite3_exec(db,
                     "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=1000;"
                     "CREATE TABLE scope(scope_id INTEGER PRIMARY KEY, min_generation INTEGER NOT NULL);"
                     "INSERT INTO scope VALUES(1, 0);"
                     "CREATE TABLE claim(scope_id INTEGER NOT NULL, event_id TEXT NOT NULL, generation INTEGER NOT NULL,"
                     " attempt INTEGER NOT NULL, claimed_at INTEGER NOT NULL, lease_until INTEGER NOT NULL,"
                     " PRIMARY KEY(scope_id, event_id)) WITHOUT ROWID;",
                     0, 0, 0))
        return 1;
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)"
                           " SELECT scope_id, ?2, ?3, 1, ?4, ?5 FROM scope WHERE scope_id = ?1 AND min_generation <= ?3"
                           " ON CONFLICT(scope_id, event_id) DO NOTHING",
                           -1, &claim, 0))
        return 1;
    if (sqlite3_prepare_v2(db,
                           "SELECT iif(scope.min_generation > ?2, -1, coalesce(claim.lease_until, 0)) FROM scope LEFT JOIN claim"
                           " ON claim.scope_id = scope.scope_id AND claim.event_id = ?1 WHERE scope.scope_id = 1",
                           -1, &why, 0))
        return 1;
    run(db, claim, why, "event:", "won ");
    run(db, claim, why, "event:", "lost");
    return 0;
}
