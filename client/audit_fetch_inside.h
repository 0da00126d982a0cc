/*
 * audit_fetch_inside.h - between audit_fetch.c (the relay's side) and
 * audit_run.c (this vault's side, and the whole) only.
 */
#ifndef SEALPOST_CLIENT_AUDIT_FETCH_INSIDE_H
#define SEALPOST_CLIENT_AUDIT_FETCH_INSIDE_H

#include "client/audit_fetch.h"
#include "client/audit_keep.h"

/* Openings as they come: those below COVERED are here, or we cannot see them.
 * Rows that were fed are dropped when the next ones are asked for. */
struct openings {
    struct buf bytes;
    struct row_at {
        uint64_t index;
        size_t at, evidence_len; /* opening at AT, its evidence behind it */
    } * rows;
    size_t n, cap, fed;
    uint64_t covered;
};

/* Questions under way, the oldest first, each about what begins at FROM. */
enum { OPENINGS_AHEAD = 3, TILES_AHEAD = 4, ASKED_MAX = 4 };
struct asked {
    struct {
        uint32_t ticket;
        uint64_t from;
    } q[ASKED_MAX];
    size_t n;
    uint64_t next; /* from where the next question goes on */
};

struct fetch {
    struct office *o;
    struct audit *audit;
    struct head head; /* the fixed one */
    struct head kept; /* of the audit that was taken up; size 0: none */
    struct vkey key;
    bool is_auditor;
    struct openings have;
    struct asked openings, tiles;
    struct audit_row *page; /* room for TILE_WIDTH */
    struct buf newest;      /* checkpoint of the last answer */
};

enum err audit_no_memory(struct problem *pb);
/* The entries from FROM on are not those under the signed head: HOW.  Gives
 * ERR_VERIFY. */
enum err audit_false_log(const struct fetch *f, uint64_t from, const char *how,
                         struct problem *pb);
/* Entries that f->audit lacks up to f->head, and the openings of them. */
enum err audit_fetch_all(struct fetch *f, struct problem *pb);

#endif
