#include "server/forkproof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/os.h"
#include "proto/limits.h"
#include "proto/merkle.h"

static const char *const log_names[STORE_LOGS] = {"directory", "delivery"};

/* "...; the newest event here is of 2026-11-22 09:00 UTC" */
static void
say_since(struct store_reader *rd, char *out, size_t cap)
{
    char when[CLOCK_TEXT_MAX];
    uint64_t time_ms;

    out[0] = '\0';
    if (store_newest_event(rd, &time_ms) != ERR_OK)
        return;
    clock_format_utc(when, time_ms);
    (void)snprintf(out, cap, " (the newest event here is of %s)", when);
}

static void
say_gap(struct store_reader *rd, enum store_log log, const struct head *theirs,
        uint64_t ours, char *why, size_t why_len)
{
    char since[CLOCK_TEXT_MAX + 40];

    say_since(rd, since, sizeof(since));
    if (theirs->size > ours)
        (void)snprintf(why, why_len,
                       "a client holds a %s head of %" PRIu64
                       " entries under our own key; this data directory has "
                       "%" PRIu64 ": the last %" PRIu64 " (entries %" PRIu64
                       " to %" PRIu64 ") are missing%s; it was restored from "
                       "an older copy, or another relay runs with the same "
                       "keys",
                       log_names[log], theirs->size, ours, theirs->size - ours,
                       ours, theirs->size - 1, since);
    else
        (void)snprintf(why, why_len,
                       "a client holds a %s head of %" PRIu64
                       " entries under our own key; this data directory has "
                       "%" PRIu64 " of another history%s; it was restored "
                       "from an older copy and went on, or another relay runs "
                       "with the same keys",
                       log_names[log], theirs->size, ours, since);
}

enum err
forkproof_judge(struct store_reader *rd, enum store_log log,
                const struct head *theirs, char *why, size_t why_len)
{
    struct hash path[MERKLE_PATH_MAX];
    struct head ours;
    size_t n = 0;
    enum err rc = store_head(rd, log, &ours);

    if (rc != ERR_OK || theirs->size == 0)
        return rc;
    if (theirs->size <= ours.size) {
        rc = store_consistency(rd, log, theirs->size, ours.size, path, &n);
        if (rc != ERR_OK)
            return rc;
        if (merkle_verify_consistency(theirs->size, ours.size, &theirs->root,
                                      &ours.root, path, n) == ERR_OK)
            return ERR_OK;
    }
    say_gap(rd, log, theirs, ours.size, why, why_len);
    return ERR_CONFLICT;
}

static enum err
proof_path(char *out, const char *dir)
{
    return os_path_join(out, OS_PATH_MAX, dir, "fork-proof");
}

enum err
forkproof_keep(const char *dir, const void *note, size_t len)
{
    char path[OS_PATH_MAX];
    enum err rc = proof_path(path, dir);

    return rc == ERR_OK ? os_write_file_atomic(path, note, len, 0600) : rc;
}

/* Of whichever of our logs it is; ERR_OK when of none. */
static enum err
judge_note(struct store *st, struct store_reader *rd, const struct buf *note,
           char *why, size_t why_len)
{
    enum err rc = ERR_OK;

    for (int i = 0; i < STORE_LOGS && rc == ERR_OK; i++) {
        enum store_log log = (enum store_log)i;
        struct head theirs;

        if (head_from_note(note->data, note->len, store_vkey(st, log), NULL, 0,
                           &theirs, NULL) == ERR_OK)
            rc = forkproof_judge(rd, log, &theirs, why, why_len);
    }
    return rc;
}

enum err
forkproof_check(const char *dir, struct store *st, struct store_reader *rd,
                char *why, size_t why_len)
{
    char path[OS_PATH_MAX];
    struct buf note = {0};
    enum err rc = proof_path(path, dir);

    if (rc == ERR_OK && !os_exists(path))
        return ERR_OK;
    if (rc == ERR_OK)
        rc = os_read_file(path, LIMIT_CHECKPOINT, &note);
    if (rc == ERR_OK)
        rc = judge_note(st, rd, &note, why, why_len);
    buf_clear(&note);
    if (rc == ERR_OK || rc == ERR_TOOBIG)
        return os_remove(path);
    if (rc != ERR_CONFLICT)
        (void)snprintf(why, why_len, "cannot read %s: %s", path, err_text(rc));
    return rc;
}
