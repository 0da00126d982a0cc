/*
 * directory_inside.h - what the files of the directory share and nobody else
 * sees: judging a statement never changes anything, committing one never
 * judges.
 */
#ifndef SEALPOST_PROTO_DIRECTORY_INSIDE_H
#define SEALPOST_PROTO_DIRECTORY_INSIDE_H

#include "common/map.h"
#include "proto/directory.h"
#include "proto/merkle.h"

enum { DIR_LEVELS = 64 };

struct dir_level {
    struct hash *nodes; /* complete subtrees, grown by array_grow */
    size_t count;
};

struct directory {
    bool has_network_id;
    bool founded; /* genesis took effect */
    bool needs_newer;
    struct hash network_id;
    struct dir_policy policy;
    struct dir_policy *policies; /* all, the last is POLICY again */
    size_t n_policies;
    uint64_t registrar_next_seq;
    struct hash registrar_prev;
    /* The newest time claimed by a statement that took effect. */
    uint64_t log_time_s;

    struct merkle_peaks peaks;
    struct dir_level levels[DIR_LEVELS];

    size_t n_agencies, n_devices, n_mailboxes;
    struct dir_agency **agencies;
    struct dir_device **devices;
    struct dir_mailbox **mailboxes;
    struct map agency_by_id;
    struct map device_by_id;
    struct map device_by_transport;
    struct map mailbox_by_id;
    struct map used_keys; /* 32 bytes to a dir_key_role */
};

/* Why a key is known.  Values of used_keys. */
struct dir_key_role {
    bool by_policy;
};
extern struct dir_key_role dir_key_of_policy, dir_key_of_member;

/*
 * Room for one more behind COUNT items of SIZE bytes; WHERE is the address of
 * the pointer to them.  Capacity is the next power of two, so the count alone
 * tells when to grow.  ERR_NOMEM: the pointer is as before.
 */
enum err array_grow(void *where, size_t count, size_t size);
#define ARRAY_GROW(items, count) array_grow(&(items), (count), sizeof(*(items)))

/* The log's clock as STATEMENT sees it. */
uint64_t dir_clock(const struct directory *dir, const struct statement *st);
/* A pending REROOT that holds at CLOCK_S. */
bool reroot_is_due(const struct dir_agency *agency, uint64_t clock_s);

/* DIR_FINE, or why ST has no effect with the log's clock at CLOCK_S. */
enum dir_code dir_judge(const struct directory *dir, const struct statement *st,
                        uint64_t clock_s);
/* The ids that FINDING names. */
void dir_name_parties(const struct directory *dir, const struct statement *st,
                      struct dir_finding *finding);

/* Change the state by a statement that dir_judge found fine.  ERR_NOMEM only:
 * then nothing has changed. */
enum err dir_commit(struct directory *dir, const struct statement *st);

/* ASCII letters without case. */
bool dir_same_name(struct text_ref a, const char *b);

#endif
