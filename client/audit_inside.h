/*
 * audit_inside.h - between the files of audit.h only.
 */
#ifndef SEALPOST_CLIENT_AUDIT_INSIDE_H
#define SEALPOST_CLIENT_AUDIT_INSIDE_H

#include "client/audit.h"
#include "client/logtree.h"

/* When some entry was made: one sample for every bundle. */
struct audit_sample {
    uint64_t index;
    uint64_t time_ms;
};
struct audit_stored {
    uint64_t index;
    uint32_t day;
};

struct audit {
    struct audit_options o;
    uint64_t since_ms; /* no event is older */
    struct logtree tree;
    struct balance *balance;     /* NULL until the first event that counts */
    const struct event *folding; /* what the balance is looking at */
    struct audit_sum sum;
    uint64_t sealed;
    uint64_t known_ms; /* of the last entry whose time we know */
    /* Sealed entries since then that nobody opened for us. */
    uint64_t *run;
    size_t n_run, cap_run;
    struct audit_sample *samples;
    size_t n_samples, cap_samples;
    struct audit_stored *stored;
    size_t n_stored, cap_stored;
    uint64_t *erased; /* indexes; sorted by audit_close() */
    size_t n_erased, cap_erased;
    uint8_t *shown; /* a bit for each entry: it was opened for us */
    size_t n_shown, cap_shown;
    struct audit_finding *found;
    size_t n_found;
    bool is_forked;
    struct head fork;
};

void audit_find(struct audit *a, const char *code, uint64_t index,
                const struct event *ev, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Room for one more of SIZE bytes in *ITEMS, a pointer to the array. */
enum err audit_grow(void *items, size_t n, size_t *cap, size_t size);
/* Who sent it or who gets it is ours, or in our scope at that time. */
bool audit_sees(const struct audit *a, const struct event *ev,
                uint64_t time_ms);
/* A sealed entry that was not opened for us. */
enum err audit_leave_unopened(struct audit *a, uint64_t index);
/* The entry was made at that time: what lies unopened before it is older. */
enum err audit_know_time(struct audit *a, uint64_t index, uint64_t time_ms);
/* Into the balance, when its time counts. */
enum err audit_fold(struct audit *a, uint64_t index, const struct event *ev);
/* The event's evidence, its actor, and heads in it. */
void audit_evidence(struct audit *a, uint64_t index, const struct event *ev,
                    struct span evidence);
/* HEAD, shown to somebody before entry INDEX was made, is a prefix of this
 * log.  True when it is. */
bool audit_head(struct audit *a, uint64_t index, const struct event *ev,
                const struct head *head);

#endif
