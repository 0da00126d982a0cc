/* The guard at start: is this data what was signed last? */
#include "server/store_inside.h"

#include <inttypes.h>
#include <string.h>

/* Of two eras only the numbers are compared: the older one's heads are not this
 * log's, and what is left of it the POLICY says. */
static enum err
check_era(struct store *st, const struct reason *why)
{
    uint64_t era;
    enum err rc = meta_number(&st->writer.db, "era", 0, &era);

    if (rc != ERR_OK)
        return explain(why, rc, "cannot read %s", st->db_path);
    if (st->guard.era > era)
        return explain(why, ERR_CONFLICT,
                       "the database is older than the last change of the "
                       "log's name or key, which the guard %s remembers; it "
                       "was restored from a backup and must not sign again",
                       st->guard_path);
    if (st->guard.era < era)
        memset(st->guard.head, 0, sizeof(st->guard.head));
    st->guard.era = (uint32_t)era;
    return ERR_OK;
}

static enum err
check_guard_log(struct store *st, enum store_log log, const struct reason *why)
{
    const struct guard_head *g = &st->guard.head[log];
    uint64_t size = st->heads[log].size;
    struct view_log at = {&st->writer, log};
    struct hash root;
    enum err rc;

    if (size < g->size)
        return explain(
            why, ERR_CONFLICT,
            "the database is older than what was signed: the %s log has "
            "%" PRIu64 " entries, the guard %s remembers %" PRIu64
            " (entries %" PRIu64 " to %" PRIu64 " are missing); it was "
            "restored from a backup and must not sign again",
            log_name(log), size, st->guard_path, g->size, size, g->size - 1);
    if (g->size == 0)
        return ERR_OK;
    rc = merkle_root_at(view_node, &at, g->size, &root);
    if (rc != ERR_OK)
        return explain(why, rc, "cannot read the %s log", log_name(log));
    if (!id_eq(&root, &g->root))
        return explain(why, ERR_CONFLICT,
                       "the %s log is another history than the guard %s "
                       "remembers at %" PRIu64 " entries",
                       log_name(log), st->guard_path, g->size);
    return ERR_OK;
}

enum err
guard_save(struct store *st)
{
    struct guard_head head[GUARD_LOGS];
    enum err rc;
    int i;

    for (i = 0; i < GUARD_LOGS; i++) {
        head[i].size = st->heads[i].size;
        head[i].root = st->heads[i].root;
    }
    rc = guard_write(&st->guard, head);
    return rc == ERR_OK ? guard_sync(&st->guard) : rc;
}

enum err
guard_check(struct store *st, const struct reason *why)
{
    bool fresh = false;
    enum err rc = guard_open(&st->guard, st->guard_path, &fresh);
    int i;

    if (rc != ERR_OK)
        return explain(why, rc, "cannot use the guard %s: %s", st->guard_path,
                       rc == ERR_MALFORMED ? "both its halves are damaged"
                                           : os_last_error_text());
    if (fresh && st->heads[STORE_DELIVERY].size > 0)
        store_alarm(st,
                    "the guard %s was missing and has been made anew: a "
                    "restored backup would not have been noticed",
                    st->guard_path);
    rc = check_era(st, why);
    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = check_guard_log(st, (enum store_log)i, why);
    if (rc != ERR_OK)
        return rc;
    rc = guard_save(st);
    return rc == ERR_OK ? ERR_OK
                        : explain(why, rc, "cannot write the guard %s: %s",
                                  st->guard_path, os_last_error_text());
}
