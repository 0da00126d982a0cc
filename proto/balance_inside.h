/*
 * balance_inside.h - between the files of balance.h only: packets as rows of a
 * few dozen bytes, found by name through a table of row numbers.
 */
#ifndef SEALPOST_PROTO_BALANCE_INSIDE_H
#define SEALPOST_PROTO_BALANCE_INSIDE_H

#include "common/map.h"
#include "proto/balance.h"

enum { GROUP_SENDER = 's', GROUP_MAILBOX = 'm', ROWS_PER_SLAB = 4096 };

/* Counts of one sender or of one mailbox. */
struct group_key {
    uint8_t kind;
    uint8_t id[16];
};
struct group {
    struct group *next;
    uint8_t id[16];
    struct balance_counts counts;
};

struct row {
    struct packet_id packet;
    struct hash pkt_digest;
    uint64_t stored_index; /* UINT64_MAX: not known */
    uint64_t not_after;
    uint64_t stored_ms, end_ms;
    struct group *sender, *mailbox;
    uint16_t reason;
    uint8_t state; /* enum packet_state */
    uint8_t class;
    bool is_own : 1, is_carried : 1, is_over : 1, is_warned : 1, is_late : 1;
    bool is_gone : 1; /* forgotten: in no count, found by nobody */
};

/* Rows never move, so that a row may be pointed to. */
struct rows {
    struct row **slabs;
    size_t n, n_slabs, cap_slabs;
    uint32_t *table; /* row number + 1, 0: free; linear probing */
    size_t cap;      /* a power of two, or 0 */
    size_t n_carried;
    uint8_t seed[16];
};

void rows_clear(struct rows *r);
struct row *rows_nth(const struct rows *r, size_t i);
struct row *rows_find(const struct rows *r, const struct agency_id *sender,
                      const struct packet_id *packet);
/* A zeroed row of that name, which is not there yet.  NULL: no memory. */
struct row *rows_add(struct rows *r, struct group *sender,
                     const struct packet_id *packet);
/* The row whose packet was stored there, or NULL. */
struct row *rows_stored_at(const struct rows *r, uint64_t index);

/* A sealed leaf nobody opened for us. */
struct leaf {
    uint64_t index;
    bool is_erased;
};

struct balance {
    struct balance_options options;
    struct rows rows;
    struct map groups;
    struct group *first_group;
    struct leaf *leaves; /* ascending by index */
    size_t n_leaves, cap_leaves;
    uint64_t next_index; /* the least that may come next */
    struct balance_counts total;
    uint64_t findings[FINDING_KINDS];
};

/* NULL: no memory. */
struct group *balance_group(struct balance *b, uint8_t kind,
                            const uint8_t id[16]);
/* Adds SIGN (1 or -1) for ROW, whose state is not UNSEEN, to all counts. */
void balance_count(struct balance *b, const struct row *row, int sign);
struct leaf *balance_leaf(const struct balance *b, uint64_t index);

#endif
