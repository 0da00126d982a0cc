/*
 * roster_inside.h - shared by roster*.c and succession.c only.
 */
#ifndef SEALPOST_CLIENT_ROSTER_INSIDE_H
#define SEALPOST_CLIENT_ROSTER_INSIDE_H

#include <stdint.h>

#include "client/roster.h"

struct roster {
    struct app *app;
    struct hash network_id;
    struct directory *dir;
    struct head heads[2]; /* by enum log_which */
    uint64_t synced_ms;
    uint64_t grown_ms;
};

/* (T) The heads as they will be; the roster's own the caller sets once it is
 * committed. */
void roster_heads_put(struct roster *r, const struct head heads[2],
                      uint64_t synced_ms);
/* (T) As records, from leaf FROM on. */
void roster_leaves_put(struct roster *r, uint64_t from,
                       const struct buf *leaves, size_t n);
/* (T) Marks every agency whose change of root came at leaf FROM or later with
 * too little time left. */
void contacts_hold_rerooted(struct roster *r, uint64_t from, uint64_t now_s);

#endif
