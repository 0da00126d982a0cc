/*
 * store_inside.h - what the files of the store share.  Only store*.c and
 * blob_file.c include it.
 *
 * Appliers (apply_*) run inside the transaction.  To refuse they return
 * refuse(tx, WHY) before their first write; any other error rolls the whole
 * batch back.
 */
#ifndef SEALPOST_SERVER_STORE_INSIDE_H
#define SEALPOST_SERVER_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/os.h"
#include "proto/header.h"
#include "proto/receipt.h"
#include "server/guard.h"
#include "server/ledger.h"
#include "server/store.h"
#include "server/store_db.h"

enum slot_state {
    SLOT_WAITS = 0,
    SLOT_OPENED = 1,
    SLOT_FAILED = 2,
    SLOT_GONE = 3, /* device ended, left the mailbox, or the packet ended */
};

/* A connection and what reads through it. */
struct view {
    struct store *st;
    struct db db;
    struct ledger_cache *cache;
};

struct store_reader {
    struct view view;
};

/* The housekeeper: checkpoints and removes files, off the commit path. */
struct keeper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool is_running;
    bool stop;
    unsigned next_at; /* frames that ask for the next checkpoint */
    unsigned frames;
    bool want_checkpoint;
    bool want_empty; /* openings were erased, or the log has grown large */
    uint64_t *dead;  /* attachments whose files go */
    size_t n_dead, cap_dead;
    struct db db;
};

/* Heads of LOG up to SIZE, and above those of the era before, are under KEY. */
struct store_era {
    enum store_log log;
    uint64_t size;
    struct vkey key;
};

struct store {
    char dir[OS_PATH_MAX];
    char guard_path[OS_PATH_MAX];
    char db_path[OS_PATH_MAX];
    struct sign_secret *log_key;
    struct vkey vkey[STORE_LOGS]; /* of today */
    struct store_era *eras;       /* earlier ones, ascending by size */
    size_t n_eras;
    uint64_t pending_packets_max;
    uint64_t pending_bytes_max;
    uint32_t page_count_max;
    struct warn_clock warn;
    void (*alarm)(void *arg, const char *what);
    void *alarm_arg;

    struct os_lock lock;
    struct view writer;
    struct ledger ledger;
    struct guard guard;
    uint64_t guard_synced_ms;
    struct keeper keeper;
    bool is_past_guard;
    atomic_bool is_broken; /* outcome unknown: nothing more is written */
    atomic_bool is_ending; /* no worker begins what takes long */

    pthread_mutex_t heads_lock;
    struct head heads[STORE_LOGS];
    bool unsaved_sig[STORE_LOGS]; /* the row of the newest head lacks it */
};

/* What was worked out before the transaction. */
struct prepared {
    enum store_why why;
    struct hash digest;
    struct hash *wrap_hashes;
};

struct tx {
    struct store *st;
    struct db *db;
    struct store_op *op;
    struct store_result *res;
    const struct prepared *prep;
    uint64_t now_ms, now_s;
    uint32_t retention_s;
    struct header header;
    bool erased; /* the write-ahead log is to be emptied */
    uint64_t *dead;
    size_t n_dead, cap_dead;
};

enum err refuse(struct tx *tx, enum store_why why);
void store_alarm(struct store *st, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- store.c: a transaction in steps ---- */
/* Loads the logs; gives ERR_OK with the transaction open. */
enum err tx_begin(struct tx *tx);
/* One operation; refused ones are ERR_OK with OP's result saying so. */
enum err tx_apply(struct tx *tx, struct store_op *op,
                  const struct prepared *prep);
enum err tx_commit(struct tx *tx);

/* ---- store_open.c ---- */
struct reason {
    char *text;
    size_t len;
};
/* A sentence for WHY; gives RC. */
enum err explain(const struct reason *why, enum err rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *log_name(enum store_log log);
enum err head_of_row(struct store *st, enum store_log log, struct q *q,
                     struct head *out);
enum err meta_number(struct db *db, const char *name, uint64_t otherwise,
                     uint64_t *out);
enum err meta_set_number(struct db *db, const char *name, uint64_t value);
enum err view_open(struct view *v, struct store *st, enum db_mode mode,
                   size_t tiles);
void view_close(struct view *v);

/* ---- store_guard.c ---- */
/* Refuses with ERR_CONFLICT and a sentence; writes the guard otherwise. */
enum err guard_check(struct store *st, const struct reason *why);
enum err guard_save(struct store *st);

/* ---- store_succeed.c ---- */
enum err eras_load(struct store *st);
/* Who signed the head of LOG at SIZE. */
const struct vkey *era_vkey(const struct store *st, enum store_log log,
                            uint64_t size);
/* Heads of LOG above this are today's. */
uint64_t era_start(const struct store *st, enum store_log log);

/* ---- store_keeper.c ---- */
enum err keeper_start(struct store *st);
void keeper_stop(struct store *st);
/* Takes the list of dead attachments (copies). */
void keeper_bury(struct store *st, const uint64_t *dead, size_t n);
void keeper_wants_empty(struct store *st);

/* ---- store_log.c: leaves, nodes, heads, proofs ---- */
uint64_t leaf_row(enum store_log log, uint64_t index);
enum err log_load(struct db *db, enum store_log log, struct merkle_peaks *peaks,
                  struct hash *root);
enum err log_save(struct db *db, enum store_log log,
                  const struct merkle_peaks *peaks);
/* Appends an entry inside the transaction. */
enum err log_append(struct tx *tx, enum store_log log, const void *entry,
                    size_t len, uint64_t *index);
struct ledger_io view_io(struct view *v);
enum err view_node(void *view_and_log, unsigned level, uint64_t index,
                   struct hash *out);
struct view_log {
    struct view *view;
    enum store_log log;
};
/* The head that INDEX was first signed under. */
enum err view_first_head(struct view *v, enum store_log log, uint64_t index,
                         struct head *out);
/* The first receipt of an event again. ERR_NOTFOUND: no opening (any more). */
enum err view_receipt(struct view *v, uint64_t index, struct buf *out);
/* Proof file to HEAD; with an opening it is the receipt. */
enum err view_proof(struct view *v, enum store_log log, uint64_t index,
                    const struct head *head, const uint8_t *opening,
                    struct buf *out);

/* ---- store_events.c ---- */
struct packet_row {
    uint64_t id; /* index of its stored event */
    struct packet_id packet;
    struct agency_id sender;
    struct hash digest;
    struct mailbox_id mailbox;
    struct agency_id recipient;
    uint8_t class;
    uint8_t size_class;
    uint64_t not_after;
    uint64_t received_ms;
    uint64_t size;
    unsigned state; /* enum packet_state */
    uint64_t live;  /* slots that wait */
    bool has_body;
    bool erased;
    bool has_seen;
    bool may_go_again; /* packet_end: its attachments stay a while */
    struct device_id seen;
};
#define NO_PACKET UINT64_MAX
struct filing {
    uint64_t packet; /* row, or NO_PACKET */
    const struct agency_id *sender;
    const struct agency_id *recipient; /* NULL: none */
    struct span evidence;
};
/* Appends an event: leaf, opening, the agencies' lists, the result. */
enum err event_append(struct tx *tx, const struct event *ev,
                      const struct filing *where, uint64_t *index);
/* An event in the story of P, whose state follows; REF is its stored index.
 * What event_next() does not allow is refused with STORE_WHY_FINAL. */
enum err packet_event(struct tx *tx, struct packet_row *p, uint8_t type,
                      uint16_t reason, const struct device_id *actor,
                      struct span evidence, uint64_t *index);
/* The same for an event whose fields are set. */
enum err packet_story(struct tx *tx, struct packet_row *p,
                      const struct event *ev, struct span evidence,
                      uint64_t *index);
/* Rows of SQL_PACKET_COLUMNS; ends nothing. */
enum err packet_row_get(struct q *q, struct packet_row *out);
enum err packet_by(struct q *q, struct packet_row *out); /* ends Q */
enum err packet_by_id(struct db *db, uint64_t id, struct packet_row *out);
/* The event of P that has this evidence. ERR_NOTFOUND. */
enum err packet_event_by_evidence(struct db *db, uint64_t packet,
                                  struct span evidence, uint64_t *index);
enum err apply_event(struct tx *tx, struct store_op *op);
enum err apply_quota_refused(struct tx *tx, struct store_op *op);

/* ---- store_slots.c: slots, ends and bodies of packets ---- */
/* The final event, the tally, the body and the attachments. */
enum err packet_end(struct tx *tx, struct packet_row *p, uint8_t type,
                    uint16_t reason, const struct device_id *actor,
                    struct span evidence, uint64_t *index);
/* One waiting slot is done or gone; P->live and the row follow. */
enum err slot_settle(struct tx *tx, struct packet_row *p, uint64_t pos,
                     enum slot_state state);
/* Body and attachments go when nobody waits for them any more. */
enum err packet_release(struct tx *tx, struct packet_row *p);
/* Now; who still waited waits no more. */
enum err packet_drop_body(struct tx *tx, struct packet_row *p);
/* All waiting slots of a device (in one mailbox, when given) are gone;
 * packets that lose their last one end. */
enum err device_slots_gone(struct tx *tx, const struct device_id *device,
                           const struct mailbox_id *mailbox,
                           struct span evidence);

enum err apply_packet(struct tx *tx, struct store_op *op); /* store_packet.c */
enum err apply_receipt(struct tx *tx,
                       struct store_op *op); /* store_receipt.c */
enum err apply_withdraw(struct tx *tx,
                        struct store_op *op);            /* store_receipt.c */
enum err apply_seen(struct tx *tx, struct store_op *op); /* store_receipt.c */
enum err apply_collected(struct tx *tx,
                         struct store_op *op); /* store_receipt.c */

/* ---- store_directory.c ---- */
enum err apply_statement(struct tx *tx, struct store_op *op);
/* The next entry of the delivery log is the statement itself. */
enum err publish_statement(struct tx *tx, struct span stmt);
enum err apply_prekeys(struct tx *tx, struct store_op *op);
/* Known and not suspended; else REFUSED with SENDER. */
enum err check_sender(struct tx *tx, const struct agency_id *agency);
/* Live and of AGENCY (when not NULL); else REFUSED with SENDER. */
enum err check_device(struct tx *tx, const struct device_id *device,
                      const struct agency_id *agency);

/* ---- store_join.c ---- */
enum err apply_invite(struct tx *tx, struct store_op *op);
enum err apply_join(struct tx *tx, struct store_op *op);
enum err apply_join_refuse(struct tx *tx, struct store_op *op);

/* ---- store_blobs.c ---- */
enum err apply_blob_begin(struct tx *tx, struct store_op *op);
enum err apply_blob_progress(struct tx *tx, struct store_op *op);
enum err apply_blob_complete(struct tx *tx, struct store_op *op);
/* Rows of SQL_BLOB_COLUMNS. */
enum err blob_row_get(struct q *q, struct store_blob *out, uint64_t *refs);
enum err blob_by(struct q *q, struct store_blob *out, uint64_t *refs);
/* The row goes now, the file after the commit. */
enum err blob_drop(struct tx *tx, const struct store_blob *blob);
/* *USED of the quota by packets (own copies apart) and uploads. */
enum err quota_used(struct tx *tx, const struct agency_id *agency, bool own,
                    uint64_t *packets, uint64_t *bytes);

/* ---- store_cosigned.c ---- */
enum err apply_cosigned(struct tx *tx, struct store_op *op);
/* One head that is due: dropped, or kept as the last of its hour. */
enum err sweep_cosigned(struct tx *tx);

enum err apply_sweep(struct tx *tx, struct store_op *op); /* store_sweep.c */
/* Erases packets and openings whose retention is over. store_erase.c */
enum err sweep_erase(struct tx *tx, uint32_t max);

/* ---- blob_file.c ---- */
enum err blob_path(const struct store *st, uint64_t blob, char *out,
                   size_t cap);
enum err blob_files_prepare(struct store *st);
/* Removes files that no row names: leftovers of a crash. */
enum err blob_files_tidy(struct store *st);
/* D() of a complete file, read in chunks. */
enum err blob_file_digest(struct store *st, const struct store_blob *info,
                          struct hash *out);

#endif
