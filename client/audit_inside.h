/*
 * audit_inside.h - between the files of audit.h only.
 */
#ifndef SEALPOST_CLIENT_AUDIT_INSIDE_H
#define SEALPOST_CLIENT_AUDIT_INSIDE_H

#include "client/audit.h"
#include "client/logtree.h"
#include "common/map.h"
#include "common/pool.h"
#include "proto/receipt.h"

/* When some entry was made: one sample for every bundle. */
struct audit_sample {
    uint64_t index;
    uint64_t time_ms;
};

/* What is known of each entry, a bit for each. */
enum audit_mark {
    MARK_OPENED, /* it was opened for us */
    MARK_ERASED, /* a later entry says that its opening is gone */
    MARK_PROVEN, /* its evidence holds */
    MARK_HEADED, /* the head in its evidence fits */
    MARKS
};
struct audit_bits {
    uint8_t *b;
    size_t n, cap;
};

struct verify_batch;

/* Roots of the log at sizes that heads were asked for. */
enum { ROOTS_KNOWN = 4096 };
struct audit_root {
    uint64_t size; /* 0: none; its low bits are its place */
    struct hash root;
};

struct audit {
    struct audit_options o;
    uint64_t since_ms; /* no event is older */
    uint64_t before;   /* entries taken over from an earlier audit */
    struct logtree tree;
    struct balance *balance;     /* NULL until the first event that counts */
    uint64_t first_index;        /* of it */
    const struct event *folding; /* what the balance is looking at */
    struct audit_sum sum;
    uint64_t sealed;
    uint64_t known_ms;  /* of the last entry whose time we know */
    uint64_t newest_ms; /* the latest time of any event */
    bool has_strangers; /* some mailbox or device was not in the directory */
    /* Sealed entries since then that nobody opened for us. */
    uint64_t *run;
    size_t n_run, cap_run;
    struct audit_sample *samples;
    size_t n_samples, cap_samples;
    struct audit_note *notes;
    size_t n_notes, cap_notes;
    struct audit_bits marks[MARKS];
    struct audit_finding *found; /* room for AUDIT_FINDINGS_MAX, sorted */
    size_t n_found;
    uint64_t lasting; /* findings that stay, in the list or not */
    bool is_lasting;  /* what is found now stays */
    bool is_forked;
    struct head fork;
    struct map statements; /* hashes of the directory's leaves, when asked */
    bool has_statements;
    struct pool *pool;
    struct verify_batch *filling;      /* not put yet */
    struct verify_batch *first, *last; /* put, in order */
    struct audit_root roots[ROOTS_KNOWN];
    uint64_t asked[ROOTS_KNOWN]; /* sizes whose root a batch computes */
};

void audit_find(struct audit *a, const char *code, uint64_t index,
                const struct event *ev, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Findings about that entry are as if never made. */
void audit_unfind(struct audit *a, uint64_t index);
/* Room for one more of SIZE bytes in *ITEMS, a pointer to the array. */
enum err audit_grow(void *items, size_t n, size_t *cap, size_t size);
enum err audit_mark(struct audit *a, enum audit_mark mark, uint64_t index);
bool audit_is_marked(const struct audit *a, enum audit_mark mark,
                     uint64_t index);
void audit_unmark(struct audit *a, enum audit_mark mark, uint64_t index);
/* Who sent it or who gets it is ours, or in our scope at that time. */
bool audit_sees(const struct audit *a, const struct event *ev,
                uint64_t time_ms);
/* A sealed entry that was not opened for us. */
enum err audit_leave_unopened(struct audit *a, uint64_t index);
/* The entry was made at that time: what lies unopened before it is older. */
enum err audit_know_time(struct audit *a, uint64_t index, uint64_t time_ms);
/* Into the balance. */
enum err audit_fold(struct audit *a, uint64_t index, const struct event *ev);
/* The balance begins at FIRST_INDEX. */
enum err audit_start_balance(struct audit *a, uint64_t first_index);
/* STATEMENT is a leaf of the directory.  ERR_NOTFOUND, ERR_NOMEM. */
enum err audit_statement(struct audit *a, struct span statement);
/* The event's evidence, its actor, and heads in it. */
enum err audit_evidence(struct audit *a, uint64_t index, const struct event *ev,
                        struct span evidence);
/* HEAD, shown to somebody before entry INDEX was made, is a prefix of this
 * log.  True when it is. */
bool audit_head(struct audit *a, uint64_t index, const struct event *ev,
                const struct head *head);

/* ---- signatures, on all processors (audit_verify.c) ---- */

/* BYTES (RCPT_LEN or WDRW_LEN of them) parsed and fit EV; is it signed by KEY,
 * and is HEAD (NULL: none) a prefix of this log?  Findings come until
 * audit_verify_end(). */
enum err audit_verify(struct audit *a, uint64_t index, const struct event *ev,
                      struct span bytes, const struct sign_key *key,
                      const struct head *head);
enum err audit_verify_end(struct audit *a);
void audit_verify_clear(struct audit *a);

#endif
