/*
 * store.h - everything the relay keeps: packets, the two logs, the mirror of
 * the directory, prekeys, invitations, attachments.  An interface: what stands
 * behind it (SQLite now) shows nowhere here.  Knows no sessions, no messages
 * and no signatures of others: what it is given has been verified.
 *
 * Life: store_open() ... store_close().  Writes are operations in batches
 * (store_apply, one thread at a time: store_thread.h); reads go through a
 * store_reader each, one thread at a time, and never wait behind a commit.
 *
 * A batch is one transaction: operations run in order, each all or nothing;
 * one that is refused leaves no trace while the others commit.  Then the new
 * heads are signed and the receipts are made (PROTOCOL.md section 14.6).
 * Nothing in a result may be shown to anybody unless store_apply() gave ERR_OK.
 */
#ifndef SEALPOST_SERVER_STORE_H
#define SEALPOST_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/event.h"
#include "proto/ids.h"
#include "proto/merkle.h"
#include "proto/note.h"
#include "server/warn_clock.h"

struct store;
struct store_reader;

enum store_log { STORE_DIRECTORY = 0, STORE_DELIVERY = 1, STORE_LOGS = 2 };

enum {
    STORE_BLOB_ORPHAN_S = 48 * 3600,    /* unreferenced attachments die */
    STORE_BLOB_KEEP_S = 7 * 24 * 3600,  /* of what may be sent again */
    STORE_PREKEYS_MAX = 8,              /* valid ones kept per device */
    STORE_RETENTION_DAYS = 400,         /* of openings, unless POLICY says */
    STORE_JOIN_KEEP_S = 14 * 24 * 3600, /* settled joins, spent invites */
};

struct store_config {
    const char *dir;        /* data directory; made (0700) when missing */
    const char *guard_path; /* NULL: `guard` in DIR; may lie elsewhere */
    /* One key signs both logs; the origins are their names. */
    const struct sign_secret *log_key;
    const char *directory_origin;
    const char *delivery_origin;
    /* Quota of a sending agency, own copies apart (their own equal quota).
     * Zero: 10,000 packets and 10 GiB.  Uploads count from BLOB_BEGIN. */
    uint64_t pending_packets_max;
    uint64_t pending_bytes_max;
    /* Open it although the guard refuses, for a succession: nothing but
     * store_succeed() writes, and the guard is left as it is. */
    bool past_guard;
    /* Zero: no bound.  Packets leave the last pages to what ends them. */
    uint32_t page_count_max;
    struct warn_clock warn; /* zeros: its own defaults, UTC */
    /* Things that need an operator's eye: damaged body, odd guard.  May be
     * NULL.  Called on the thread that noticed. */
    void (*alarm)(void *arg, const char *what);
    void *alarm_arg;
};

/*
 * Opens or makes the store, recovers, signs heads that a crash left unsigned,
 * checks the guard.  Copies CONFIG's contents.  WHY (NULL, or WHY_LEN bytes)
 * gets a sentence on failure.
 * ERR_BUSY: another process has it.  ERR_VERSION: made by a newer program.
 * ERR_CONFLICT: older than the guard (restored from a backup) or another
 * history.  ERR_STATE: made with another log key or origin.  ERR_IO, ERR_FULL,
 * ERR_NOMEM.
 */
enum err store_open(const struct store_config *config, struct store **out,
                    char *why, size_t why_len);
/* No reader may be open any more.  Writes the guard.  NULL is fine. */
void store_close(struct store *st);
/* Who signs LOG today.  Borrowed; live as long as the store. */
const struct vkey *store_vkey(const struct store *st, enum store_log log);

/* ---- writes ---- */

/* Why an operation was not done.  Nothing of it was then written. */
#define STORE_WHYS(X)                                                          \
    X(OK, "done")                                                              \
    X(MALFORMED, "header, lengths or fields do not fit together")              \
    X(SIZE, "not a padded size")                                               \
    X(SLOT, "a slot names no live device of the mailbox or no known prekey")   \
    X(MAILBOX, "unknown or closed mailbox")                                    \
    X(SUSPENDED, "the recipient agency is suspended")                          \
    X(SENDER, "the sender is unknown, suspended or revoked")                   \
    X(QUOTA, "the agency's quota is used up")                                  \
    X(EXPIRY, "not_after is not in the allowed range")                         \
    X(BLOB, "attachment missing, incomplete, other digest or other owner")     \
    X(CONFLICT, "same name, other bytes")                                      \
    X(NOTFOUND, "not known here")                                              \
    X(FINAL, "already in a final state")                                       \
    X(ERASED, "erased after its retention")                                    \
    X(EVIDENCE, "receipt or withdrawal does not fit the packet")               \
    X(INVITE, "invitation unknown, expired or used")                           \
    X(STALE, "the directory has grown since this was prepared: do it again")   \
    X(DISK, "no room on disk; try again later")                                \
    X(MEMORY, "no memory; try again later")
enum store_why {
#define STORE_WHY_ENUM(name, text) STORE_WHY_##name,
    STORE_WHYS(STORE_WHY_ENUM)
#undef STORE_WHY_ENUM
};
#define STORE_OK STORE_WHY_OK
const char *store_why_text(enum store_why why);

/* An event that an operation appended, ready to be pushed to both agencies. */
struct store_event {
    uint64_t index;
    uint8_t opening[OPENING_LEN];
    struct agency_id sender;
    struct agency_id recipient; /* agency of the mailbox; zero: none */
    struct buf evidence;        /* RCPT, WDRW or statement; may be empty */
    struct buf leaf_proof;      /* proof file without extra */
};

struct store_result {
    enum store_why why;
    bool repeat;    /* done before: the first answer again, nothing appended */
    bool more;      /* SWEEP: call again soon */
    uint64_t index; /* of the event or directory leaf this is about */
    uint64_t blob;  /* BLOB_BEGIN: the row to name from now on */
    uint64_t have;  /* BLOB_*: bytes known to be on disk */
    struct buf proof;           /* PACKET, RECEIPT, WITHDRAW: the receipt */
    struct store_event *events; /* all that this operation appended */
    size_t n_events;
};

enum store_op_kind {
    STORE_OP_PACKET,
    STORE_OP_RECEIPT,
    STORE_OP_WITHDRAW,
    STORE_OP_SEEN,
    STORE_OP_COLLECTED,
    STORE_OP_SWEEP,
    STORE_OP_STATEMENT,
    STORE_OP_PREKEYS,
    STORE_OP_INVITE,
    STORE_OP_JOIN,
    STORE_OP_JOIN_REFUSE,
    STORE_OP_BLOB_BEGIN,
    STORE_OP_BLOB_PROGRESS,
    STORE_OP_BLOB_COMPLETE,
    STORE_OP_EVENT,
    STORE_OP_QUOTA_REFUSED,
    STORE_OP_COSIGNED,
    STORE_OP_KINDS
};

/* Stores a packet: HDR, WRAP and BODY of PROTOCOL.md section 8 as received. The
 * store parses the header and computes the digest (before the transaction).
 * Each slot must be a live member of the mailbox with a known prekey; members
 * without a slot are the sender's affair.  -> stored, and readdressed when
 * RESEND_OF names a packet of the same agency that ended without arriving:
 * expired, refused or withdrawn (others are passed over).  result.index,
 * result.proof. MALFORMED SIZE SLOT MAILBOX SUSPENDED SENDER QUOTA EXPIRY BLOB
 * CONFLICT ERASED */
struct store_packet_op {
    struct agency_id sender;
    struct device_id device;
    struct span hdr, wraps, body;
    bool has_resend_of;
    struct packet_id resend_of;
};

/* A receipt whose signature, agency and device were verified by the caller.
 * It names no sender: the packet is found by id and digest.
 * -> handed_over | device_receipt | device_refused | refused (no live slot was
 * left pending) | late_receipt.  The same RCPT again gives the same receipt; a
 * device may say another outcome once after a failure, else CONFLICT.
 * result.index, result.proof.  NOTFOUND EVIDENCE CONFLICT ERASED */
struct store_receipt_op {
    struct span rcpt; /* 332 bytes */
};

/* A verified withdrawal by a device of the sender agency.  -> withdrawn.
 * NOTFOUND EVIDENCE FINAL ERASED */
struct store_withdraw_op {
    struct span wdrw; /* 170 bytes */
};

/* CURSOR (store_delivery) was served to DEVICE: expired will say so. */
struct store_seen_op {
    struct device_id device;
    uint64_t cursor;
};

/* DEVICE has, or had until now, its mailbox session: its mailboxes count as
 * collected, to COLLECTED_STEP_S. */
struct store_collected_op {
    struct device_id device;
};

/* A bounded portion of what is due: expiry at not_after + 15 min, warnings by
 * the clock of warn_clock.h, expired devices, attachments without a future,
 * prekeys, joins, bodies everybody has, erasure after retention.  Events are
 * in the result; result.more says that there is more of it. */
struct store_sweep_op {
    uint32_t max; /* rows per kind; 0: 256 */
};

/* What a statement means for the mirror: the caller's directory knows. */
enum store_effect_kind {
    STORE_EFFECT_AGENCY,    /* admitted or updated: agency */
    STORE_EFFECT_SUSPENDED, /* agency, on */
    STORE_EFFECT_DEVICE,    /* enrolled: agency, device, time_s = not_after */
    STORE_EFFECT_DEVICE_ENDED, /* revoked or stopped: device, time_s = since */
    STORE_EFFECT_MAILBOX,      /* agency, mailbox, on = open, members */
    STORE_EFFECT_RETENTION,    /* days */
};
struct store_effect {
    enum store_effect_kind kind;
    bool on;
    struct agency_id agency;
    struct device_id device;
    struct mailbox_id mailbox;
    uint64_t time_s;
    uint32_t days;
    const struct device_id *members; /* borrowed like the operation's spans */
    size_t n_members;
};
/* Appends STMT to the directory log as leaf INDEX (STALE when the log has
 * another size: the directory the effects were computed with is not the
 * newest) and applies EFFECTS.  A slot whose device ends or leaves the mailbox
 * is gone; a packet that so loses its last pending slot ends refused with
 * reason REASON_NO_LIVE_DEVICE and this statement as evidence.  An admitted
 * agency's waiting join becomes admitted.  IN_DELIVERY_LOG (POLICY): also a
 * public entry there.  result.index */
struct store_statement_op {
    struct span stmt;
    uint64_t index;
    const struct store_effect *effects;
    size_t n_effects;
    bool in_delivery_log;
};

/* Verified prekey statements of one live device, its own.  The newest
 * STORE_PREKEYS_MAX valid ones are kept; known ones are passed over.  SENDER */
struct store_prekey {
    struct span stmt; /* 1334 bytes */
    struct prekey_id id;
    uint64_t not_before_s, not_after_s;
};
struct store_prekeys_op {
    struct device_id device;
    const struct store_prekey *prekeys;
    size_t n;
};

/* CONFLICT when the code is known with another expiry. */
struct store_invite_op {
    struct hash code_hash;
    uint64_t expiry_s;
};
/* Binds the invitation to the first request; AGENCY is the id of the root key
 * in it.  The same request again is a repeat, another one INVITE. */
struct store_join_op {
    struct hash code_hash;
    struct agency_id agency;
    struct span request;
};
/* NOTFOUND, FINAL (admitted already). */
struct store_join_refuse_op {
    struct hash code_hash;
    struct span reason; /* text, at most 200 bytes */
};

/* Reserves quota and disk and makes the file (blob_file.h writes it).  Again
 * with the same length and digest: the same row and how far it got.
 * SENDER QUOTA DISK CONFLICT */
struct store_blob_begin_op {
    struct agency_id owner;
    struct att_id att;
    uint64_t ct_len;
    struct hash digest;
};
/* Bytes [0, HAVE) are on disk and synced (blob_upload_sync came before).  Never
 * goes back.  NOTFOUND */
struct store_blob_progress_op {
    uint64_t blob;
    uint64_t have;
};
/* All bytes are synced and DIGEST is what blob_upload_digest() gave.  BLOB when
 * that is not what was announced: the upload is dropped and starts again. */
struct store_blob_complete_op {
    uint64_t blob;
    struct hash digest;
};

/* An event that belongs to no packet: auditor_read (ref = first index) or
 * admin.  AGENCY is the one it is filed under. */
struct store_event_op {
    uint8_t type; /* EVENT_AUDITOR_READ or EVENT_ADMIN */
    uint16_t reason;
    struct agency_id agency;
    struct device_id actor;
    uint64_t ref;
};
/* One submission refused by quota.  Counted; the sweep writes one
 * quota_refused event per agency and hour when the hour is over. */
struct store_quota_refused_op {
    struct agency_id agency;
    struct device_id device;
};

/* A head of LOG with all the cosignatures held for it, verified, as one note;
 * takes the place of what was held for the same head.  TIME_S is when its
 * newest quorum held (HAS_QUORUM), else that of its newest cosignature.  The
 * sweep keeps a week of them, then the last one of each hour while receipts
 * may want it. */
struct store_cosigned_op {
    enum store_log log;
    uint64_t size;
    uint64_t time_s;
    bool has_quorum;
    struct span note;
};

/* One write.  Spans and arrays are borrowed until the operation is answered.
 * Zero-initialise; store_op_clear() frees the result. */
struct store_op {
    enum store_op_kind kind;
    uint64_t now_ms; /* the relay's clock; goes into events */
    union {
        struct store_packet_op packet;
        struct store_receipt_op receipt;
        struct store_withdraw_op withdraw;
        struct store_seen_op seen;
        struct store_collected_op collected;
        struct store_sweep_op sweep;
        struct store_statement_op statement;
        struct store_prekeys_op prekeys;
        struct store_invite_op invite;
        struct store_join_op join;
        struct store_join_refuse_op join_refuse;
        struct store_blob_begin_op blob_begin;
        struct store_blob_progress_op blob_progress;
        struct store_blob_complete_op blob_complete;
        struct store_event_op event;
        struct store_quota_refused_op quota_refused;
        struct store_cosigned_op cosigned;
    };
    struct store_result result;
};
void store_op_clear(struct store_op *op);
/* Bytes the operation carries, for the bound of a queue. */
size_t store_op_bytes(const struct store_op *op);

/*
 * Applies OPS in one transaction, commits with full sync, signs, fills in the
 * results.  Given
 *   ERR_OK     each result stands and may be told;
 *   ERR_FULL   no room (all results say DISK), nothing was written, the store
 *              goes on and this may be tried again; ERR_NOMEM likewise;
 *   any other  outcome unknown or disk damaged: tell nobody anything, end the
 *              process, recover from disk.
 */
enum err store_apply(struct store *st, struct store_op *const *ops, size_t n);
/* The newest committed and signed heads, as of the last store_apply().  From
 * any thread. */
void store_heads(struct store *st, struct head heads[STORE_LOGS]);

/* ---- succession (PROTOCOL.md section 14.9) ---- */

/* Whose store lies in DIR, whatever keys are there.  ERR_NOTFOUND: none yet.
 * ERR_VERSION, ERR_IO, ERR_NOMEM. */
struct store_identity {
    struct sign_key log_key;
    char origin[STORE_LOGS][NOTE_NAME_MAX + 1];
};
enum err store_identity(const char *dir, struct store_identity *out);

/* The logs go on under other names or another key.  All borrowed. */
struct store_succession {
    struct store_identity next;
    struct span policy; /* becomes entry OLD_SIZE of the delivery log */
    uint64_t old_size;
    struct hash old_root;
    /* STATEMENT operations: directory leaves that this store lacks, in order,
     * and the POLICY last, without in_delivery_log. */
    struct store_op *const *ops;
    size_t n;
};
/* One transaction, all or nothing.  The store must have been opened past the
 * guard; afterwards it is good for store_close() only: the next store_open(),
 * with the new key, signs and begins the guard anew.  ERR_CONFLICT: the
 * delivery log is not at OLD_SIZE and OLD_ROOT, or a leaf does not follow. */
enum err store_succeed(struct store *st, const struct store_succession *s);

/* ---- reads ---- */

/* A connection of its own.  ERR_NOMEM, ERR_IO.  All reads below may also give
 * ERR_IO or ERR_NOMEM.  Rows borrow their spans for the call. */
enum err store_reader_open(struct store *st, struct store_reader **out);
void store_reader_close(struct store_reader *rd);

/* One packet for one device: all that DELIVER needs. */
struct store_delivery {
    uint64_t cursor; /* ascending; pass it to get the next */
    struct agency_id sender;
    struct packet_id packet;
    struct hash digest;
    uint64_t not_after_s;
    uint16_t slot;
    struct buf hdr, wrap, wrap_hashes, body;
    struct buf stored_proof;
};
void store_delivery_clear(struct store_delivery *d);
/* The first packet after AFTER that waits for DEVICE (live slot, not
 * receipted, not past not_after).  ERR_NOTFOUND: none.  ERR_VERIFY: the stored
 * bytes are damaged; the alarm was raised, OUT->cursor alone is set and tells
 * where to go on. */
enum err store_next_packet(struct store_reader *rd,
                           const struct device_id *device, uint64_t after,
                           uint64_t now_s, struct store_delivery *out);

struct store_event_row {
    uint64_t index;
    const uint8_t *opening; /* OPENING_LEN bytes */
    struct agency_id sender, recipient;
    struct span evidence;
};
typedef enum err store_event_fn(void *arg, const struct store_event_row *row);
/* At most MAX events of AGENCY (sent by it or to it) with index >= CURSOR.
 * *NEXT: the cursor for the next page; stays CURSOR when there was nothing. */
enum err store_events(struct store_reader *rd, const struct agency_id *agency,
                      uint64_t cursor, unsigned max, store_event_fn *each,
                      void *arg, uint64_t *next);
/* Events with FROM <= index < TO whose sender or recipient is one of AGENCIES
 * (none given: all) and whose time lies in [from_ms, to_ms). */
struct store_scope {
    const struct agency_id *agencies;
    size_t n_agencies;
    uint64_t from_ms, to_ms;
};
enum err store_audit(struct store_reader *rd, const struct store_scope *scope,
                     uint64_t from, uint64_t to, store_event_fn *each,
                     void *arg);

/* The receipt of the stored event of an agency's own packet, byte for byte as
 * first given.  ERR_NOTFOUND; ERR_EXPIRED: erased, *INDEX is set. */
enum err store_stored_receipt(struct store_reader *rd,
                              const struct agency_id *sender,
                              const struct packet_id *packet, struct buf *out,
                              uint64_t *index);
/* Proof file without extra for one leaf, to the head it was first signed
 * under. */
enum err store_leaf_proof(struct store_reader *rd, enum store_log log,
                          uint64_t index, struct buf *out);

typedef enum err store_bytes_fn(void *arg, uint64_t index, struct span bytes);
/* Entries FROM, FROM + 1, ... at most MAX of them (directory: statements). */
enum err store_leaves(struct store_reader *rd, enum store_log log,
                      uint64_t from, unsigned max, store_bytes_fn *each,
                      void *arg);
/* Prekey statements valid at NOW_S of the live devices of an open mailbox;
 * index is 0.  ERR_NOTFOUND: no such mailbox. */
enum err store_prekeys(struct store_reader *rd,
                       const struct mailbox_id *mailbox, uint64_t now_s,
                       store_bytes_fn *each, void *arg);

/* When an open mailbox was last collected, in seconds; 0: never.
 * ERR_NOTFOUND: unknown or closed. */
enum err store_collected(struct store_reader *rd,
                         const struct mailbox_id *mailbox, uint64_t *time_s);

/* When the newest event was logged that still has its opening.
 * ERR_NOTFOUND. */
enum err store_newest_event(struct store_reader *rd, uint64_t *time_ms);

/* The newest head this reader sees, and the one at exactly SIZE if one was
 * signed there (ERR_NOTFOUND). */
enum err store_head(struct store_reader *rd, enum store_log log,
                    struct head *out);
enum err store_head_at(struct store_reader *rd, enum store_log log,
                       uint64_t size, struct head *out);
/* The first one that covers entry INDEX.  ERR_NOTFOUND. */
enum err store_head_above(struct store_reader *rd, enum store_log log,
                          uint64_t index, struct head *out);
/* A merkle_read_fn: ARG is a struct store_nodes. */
struct store_nodes {
    struct store_reader *rd;
    enum store_log log;
};
enum err store_node(void *arg, unsigned level, uint64_t index,
                    struct hash *out);
/* Proofs by number.  ERR_STATE when they do not fit together or SIZE is larger
 * than the log. */
enum err store_inclusion(struct store_reader *rd, enum store_log log,
                         uint64_t index, uint64_t size,
                         struct hash path[MERKLE_PATH_MAX], size_t *n);
enum err store_consistency(struct store_reader *rd, enum store_log log,
                           uint64_t old, uint64_t size,
                           struct hash path[MERKLE_PATH_MAX], size_t *n);
/* A tile or entry bundle by its path (proto/tile.h); appended to OUT.
 * ERR_MALFORMED, ERR_NOTFOUND (not that wide yet). */
enum err store_tile(struct store_reader *rd, enum store_log log,
                    const char *path, struct buf *out);

/* The note of the first cosigned head with its quorum and at least SIZE leaves
 * (0: of the newest), or all that is held for exactly SIZE; appended to OUT.
 * ERR_NOTFOUND. */
enum err store_cosigned(struct store_reader *rd, enum store_log log,
                        uint64_t size, struct buf *out);
enum err store_cosigned_at(struct store_reader *rd, enum store_log log,
                           uint64_t size, struct buf *out);

struct store_blob {
    uint64_t blob; /* row, names the file in blob_file.h */
    struct agency_id owner;
    struct att_id att;
    uint64_t ct_len;
    uint64_t have; /* synced bytes; all of them when COMPLETE */
    struct hash digest;
    bool complete;
};
enum err store_blob_info(struct store_reader *rd, const struct agency_id *owner,
                         const struct att_id *att, struct store_blob *out);
/* The blob that OWNER calls ATT, when DEVICE of AGENCY may read it: its own
 * agency's, complete or not, or a complete one listed by a packet of OWNER that
 * waits for the device.  Other agencies may use the same ATT for other bytes.
 * ERR_NOTFOUND. */
enum err store_blob_readable(struct store_reader *rd,
                             const struct device_id *device,
                             const struct agency_id *agency,
                             const struct agency_id *owner,
                             const struct att_id *att, uint64_t now_s,
                             struct store_blob *out);

enum store_join_state {
    STORE_JOIN_UNKNOWN = 0,
    STORE_JOIN_WAITING = 1,
    STORE_JOIN_ADMITTED = 2,
    STORE_JOIN_REFUSED = 3,
};
struct store_join {
    struct hash code_hash;
    struct agency_id agency;
    enum store_join_state state;
    uint64_t received_s;
    struct span request;
    struct span detail; /* why refused */
};
typedef enum err store_join_fn(void *arg, const struct store_join *join);
/* The waiting ones, oldest first, at most MAX. */
enum err store_joins(struct store_reader *rd, unsigned max, store_join_fn *each,
                     void *arg);
/* One by its code (ERR_NOTFOUND: no such invitation; state UNKNOWN: not used
 * yet), or the newest one of an agency. */
enum err store_join_by_code(struct store_reader *rd, const struct hash *code,
                            store_join_fn *each, void *arg);
enum err store_join_by_agency(struct store_reader *rd,
                              const struct agency_id *agency,
                              store_join_fn *each, void *arg);

/* Conservation holds: stored = the four final states + pending. */
struct store_tally {
    uint64_t stored, handed_over, refused, withdrawn, expired;
    uint64_t pending, pending_bytes;
};
struct store_counts {
    struct store_tally packets;
    struct store_tally own_copies;
    uint64_t log_size[STORE_LOGS];
    uint64_t blobs, blob_bytes;
    uint64_t joins_waiting;
    uint64_t oldest_pending_ms; /* received time; 0: none */
    uint64_t database_bytes;
};
enum err store_counts(struct store_reader *rd, struct store_counts *out);
/* The same of one sender agency (packets and own copies; the rest zero). */
enum err store_counts_of(struct store_reader *rd,
                         const struct agency_id *sender,
                         struct store_counts *out);
/* How many packets wait for DEVICE; counting stops at MAX. */
enum err store_waiting(struct store_reader *rd, const struct device_id *device,
                       unsigned max, unsigned *out);

/* ---- checking ---- */

/*
 * Recomputes everything: roots from entries, stored nodes, heads and their
 * signatures, openings against entries, balances, body digests, attachment
 * digests.  Each finding is one sentence for SAY.  *FINDINGS counts them.
 */
enum err store_check(struct store *st, void (*say)(void *arg, const char *what),
                     void *arg, unsigned *findings);

#endif
