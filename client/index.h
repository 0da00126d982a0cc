/*
 * index.h - what the client can list and search: the only door to SQLite here.
 * In memory, rebuilt from the vault's records at unlock, gone with the process.
 * Knows packets as rows; knows no vault, no profiles, no meaning of states.
 *
 * Life: index_new ... index_free.  Nothing touches the disk.  Not for use from
 * several threads.  Every function may give ERR_NOMEM, and ERR_IO for what
 * SQLite reports and nobody expects.
 */
#ifndef SEALPOST_CLIENT_INDEX_H
#define SEALPOST_CLIENT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"

struct index; /* opaque */

enum err index_new(struct index **out);
void index_free(struct index *ix);

/* Many puts in one go are ten times faster between these two.  Not nested. */
enum err index_begin(struct index *ix);
enum err index_commit(struct index *ix);

/* ---- packets ---- */

enum index_direction {
    INDEX_IN = 1,    /* somebody else's packet to us */
    INDEX_OUT = 2,   /* ours, waiting or gone */
    INDEX_OWN = 3,   /* copy of a colleague's packet to somebody else */
    INDEX_DRAFT = 4, /* not sealed yet */
    INDEX_QUARANTINE = 5
};

#define INDEX_BIT(n) (UINT32_C(1) << (n))

/* Times are 0 where they did not happen.  Ids may be all zero. */
struct index_packet {
    struct packet_id id;
    struct thread_id thread;
    struct packet_id in_reply_to;
    struct agency_id peer_agency;   /* who sent it, or whom it goes to */
    struct mailbox_id peer_mailbox; /* for OUT and OWN: the recipient */
    struct mailbox_id own_mailbox;  /* for IN: the one it came to */
    uint64_t created_ms;
    uint64_t stored_ms;
    uint64_t handed_ms;
    uint64_t not_after_s;
    enum index_direction direction;
    uint32_t type;
    uint32_t state; /* the caller's enum */
    bool is_unread;
    const char *subject; /* one line, UTF-8; NULL counts as "" */
};

/* A row's name is (id, direction): a packet to another mailbox of one's own may
 * be here as OUT and as IN. */

/* Inserts or replaces.  TEXT is what search finds beside the subject (NULL:
 * nothing); it cannot be read back, but what was put stays in the process's
 * memory until index_free, also when deleted.  Everything is copied.
 * ERR_CONFLICT when the name is there with another peer agency. */
enum err index_put_packet(struct index *ix, const struct index_packet *packet,
                          const char *text);
/* ERR_NOTFOUND, like the next two. */
enum err index_set_state(struct index *ix, const struct packet_id *id,
                         enum index_direction direction, uint32_t state);
/* Times of 0 leave what is there. */
enum err index_set_times(struct index *ix, const struct packet_id *id,
                         enum index_direction direction, uint64_t stored_ms,
                         uint64_t handed_ms);
enum err index_set_unread(struct index *ix, const struct packet_id *id,
                          enum index_direction direction, bool is_unread);
/* What is not there is no error. */
enum err index_delete_packet(struct index *ix, const struct packet_id *id,
                             enum index_direction direction);

/* DIRECTIONS: bits (INDEX_BIT), 0 for all; of several the lowest.
 * ERR_NOTFOUND.  Clear OUT afterwards. */
enum err index_get(struct index *ix, const struct packet_id *id,
                   uint32_t directions, struct index_packet *out);
/* Frees the subject of a row that index_get gave; zeroed rows are fine. */
void index_packet_clear(struct index_packet *packet);

/* ---- lists ---- */

enum index_order { INDEX_NEWEST_FIRST, INDEX_OLDEST_FIRST };

/* Zeroed: everything.  Conditions are joined by "and". */
struct index_filter {
    uint32_t directions; /* bits of enum index_direction, 0: all */
    uint32_t states;     /* bits of states below 32, 0: all */
    uint32_t types;      /* bits of types below 32, 0: all */
    bool only_unread;
    const struct thread_id *thread;   /* NULL: any; borrowed */
    const struct agency_id *agency;   /* the peer's */
    const struct mailbox_id *mailbox; /* the peer's or our own */
    const struct packet_id *in_reply_to;
    const char *id_prefix; /* hex digits of the packet id */
    /* What a person typed: words that must all occur (the last one may be a
     * beginning), "quoted phrases" as they stand.  No query language; case and
     * accents do not matter. */
    const char *search;
    uint64_t created_from_ms;
    uint64_t created_to_ms; /* 0: open */
    enum index_order order; /* by creation */
    size_t limit;           /* 0: no limit */
    size_t skip;
};

/* The row and its subject are borrowed until the call returns; false stops. */
typedef bool index_packet_fn(void *arg, const struct index_packet *packet);

/* ERR_MALFORMED: id_prefix is not hex.  A search without any word finds
 * nothing.  FN must not change the index. */
enum err index_list(struct index *ix, const struct index_filter *filter,
                    index_packet_fn *fn, void *arg);
enum err index_count(struct index *ix, const struct index_filter *filter,
                     size_t *count);

/* ---- threads ---- */

struct index_thread {
    struct thread_id id;
    const char *label;   /* local words for it; "" */
    uint32_t status;     /* the caller's; 0 unless put */
    uint64_t due_s;      /* next deadline; 0 none */
    size_t packet_count; /* the rest is counted from packets */
    size_t unread_count;
    uint64_t last_ms;             /* newest created_ms */
    struct agency_id peer_agency; /* of the newest packet */
    const char *subject;          /* of the newest packet that has one */
};

/* What is known of a thread beyond its packets; inserts or replaces.  LABEL
 * NULL counts as "".  The label is found by searches too. */
enum err index_put_thread(struct index *ix, const struct thread_id *id,
                          const char *label, uint32_t status, uint64_t due_s);

struct index_thread_filter {
    uint32_t statuses; /* bits of statuses below 32, 0: all */
    bool only_unread;
    uint64_t due_before_s; /* 0: any; else those with a deadline before */
    const char *id_prefix;
    const char *search;     /* in labels, or in any packet of the thread */
    enum index_order order; /* by newest packet */
    size_t limit;
};
typedef bool index_thread_fn(void *arg, const struct index_thread *thread);
enum err index_list_threads(struct index *ix,
                            const struct index_thread_filter *filter,
                            index_thread_fn *fn, void *arg);

/* ---- names that people type ---- */

/* The id that starts with HEX (1 to 32 digits; hyphens are skipped).
 * ERR_NOTFOUND; ERR_CONFLICT when there are several; then MATCHES (may be
 * NULL) says how many, and index_list with id_prefix shows them.
 * ERR_MALFORMED when it is not hex.  DIRECTIONS as above; a packet that is here
 * twice counts once.  Threads are those with packets or a label. */
enum err index_find_packet(struct index *ix, const char *hex,
                           uint32_t directions, struct packet_id *out,
                           size_t *matches);
enum err index_find_thread(struct index *ix, const char *hex,
                           struct thread_id *out, size_t *matches);

#endif
