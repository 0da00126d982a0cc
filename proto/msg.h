/*
 * msg.h - the messages inside the channel, and the only door to msgpack-c.
 *
 * One table (msg.c) says for every message: number, name, who sends it, who
 * may, which answer it gets, and each field's name, kind and limits.  Decoding
 * runs a bounded validator of our own over the bytes (msgcheck.h: counts never
 * above the bytes left, depth, exact schema, shortest encodings) before
 * msgpack-c sees them.  Knows no records, sessions or meanings: that a header
 * is 58 bytes at least is checked here, what stands in it is not.
 *
 * PROTOCOL.md section 5 is this table in words; a test compares them.
 */
#ifndef SEALPOST_PROTO_MSG_H
#define SEALPOST_PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/limits.h"

/* ---- types and field positions ---- */

enum msg_type {
    MSG_WELCOME = 1, /* both ways, with different fields */
    MSG_OK = 3,
    MSG_SEND = 10,
    MSG_LOGGED = 11,
    MSG_DELIVER = 12,
    MSG_RECEIPT = 13,
    MSG_WITHDRAW = 14,
    MSG_EVENTS_GET = 16,
    MSG_EVENTS = 17,
    MSG_PROOF_GET = 18,
    MSG_PROOF = 19,
    MSG_BLOB_PUT = 20,
    MSG_BLOB_AT = 21,
    MSG_BLOB_GET = 22,
    MSG_BLOB_END = 23,
    MSG_PREKEY_PUT = 24,
    MSG_PREKEY_GET = 25,
    MSG_PREKEYS = 26,
    MSG_COLLECTED_GET = 27,
    MSG_COLLECTED = 28,
    MSG_DIR_GET = 30,
    MSG_DIR = 31,
    MSG_STMT_PUT = 32,
    MSG_STMT = 33,
    MSG_CONSISTENCY_GET = 35,
    MSG_TILE_GET = 36,
    MSG_TILE = 37,
    MSG_COSIGNED_GET = 38,
    MSG_COSIGNED = 39,
    MSG_INVITE_NEW = 40,
    MSG_JOIN = 41,
    MSG_JOIN_STATUS = 42,
    MSG_JOIN_LIST = 43,
    MSG_JOIN_STATE = 44,
    MSG_JOINS = 45,
    MSG_JOIN_REFUSE = 46,
    MSG_AUDIT_GET = 50,
    MSG_RECEIPT_GET = 51,
    MSG_ERROR = 255
};

/* Positions in struct msg.f, message by message. */
enum { WELCOME_DIR, WELCOME_DLV, WELCOME_MAIL };
enum { SEND_HDR, SEND_WRAPS, SEND_BODY, SEND_RESEND_OF };
enum { LOGGED_PACKET_ID, LOGGED_PROOF };
enum {
    DELIVER_SENDER,
    DELIVER_HDR,
    DELIVER_SLOT,
    DELIVER_WRAP,
    DELIVER_WRAP_HASHES,
    DELIVER_BODY,
    DELIVER_STORED_PROOF
};
enum { RECEIPT_RCPT };
enum { WITHDRAW_WDRW };
enum { EVENTS_GET_CURSOR, EVENTS_GET_MAX };
enum { EVENTS_ROWS, EVENTS_NEXT, EVENTS_CHECKPOINT };
enum { /* one row */
       EVENTS_ROW_INDEX,
       EVENTS_ROW_OPENING,
       EVENTS_ROW_EVIDENCE,
       EVENTS_ROW_LEAF_PROOF
};
enum { PROOF_GET_LOG, PROOF_GET_INDEX, PROOF_GET_SIZE };
enum { PROOF_HASHES };
enum { BLOB_PUT_ATT_ID, BLOB_PUT_CT_LEN, BLOB_PUT_DIGEST };
enum { BLOB_AT_HANDLE, BLOB_AT_HAVE, BLOB_AT_TOTAL };
enum { BLOB_GET_OWNER, BLOB_GET_ATT_ID, BLOB_GET_OFFSET, BLOB_GET_LEN };
enum { BLOB_END_HANDLE };
enum { PREKEY_PUT_STMTS };
enum { PREKEY_GET_MAILBOX };
enum { PREKEYS_STMTS, PREKEYS_DIR_SIZE };
enum { COLLECTED_GET_MAILBOX };
enum { COLLECTED_SHOWN, COLLECTED_TIME_S, COLLECTED_NOW };
enum { DIR_GET_FROM, DIR_GET_MAX };
enum { DIR_FROM, DIR_LEAVES, DIR_CHECKPOINT };
enum { STMT_PUT_STMT };
enum { STMT_INDEX, STMT_CHECKPOINT };
enum { CONSISTENCY_GET_LOG, CONSISTENCY_GET_M, CONSISTENCY_GET_N };
enum { TILE_GET_LOG, TILE_GET_PATH };
enum { TILE_BYTES };
enum { COSIGNED_GET_LOG, COSIGNED_GET_SIZE };
enum { COSIGNED_CHECKPOINT };
enum { INVITE_NEW_CODE_HASH, INVITE_NEW_EXPIRY };
enum { JOIN_CODE, JOIN_REQUEST };
enum { JOIN_STATUS_CODE };
enum { JOIN_STATE_STATE, JOIN_STATE_DETAIL };
enum { JOINS_ROWS };
enum { /* one row */
       JOINS_ROW_CODE_HASH,
       JOINS_ROW_REQUEST,
       JOINS_ROW_RECEIVED_S
};
enum { JOIN_REFUSE_CODE_HASH, JOIN_REFUSE_REASON };
enum { AUDIT_GET_FROM, AUDIT_GET_TO };
enum { RECEIPT_GET_PACKET_ID };
enum { ERROR_CODE, ERROR_RETRY_MS, ERROR_DETAIL };

enum log_which { LOG_DIRECTORY = 0, LOG_DELIVERY = 1 };
enum join_state {
    JOIN_UNKNOWN = 0,
    JOIN_WAITING = 1,
    JOIN_ADMITTED = 2,
    JOIN_REFUSED = 3
};

/* ---- the decoded form ---- */

enum { MSG_FIELDS_MAX = 8, MSG_REQ_MAX = 0x7fffffff };

enum msg_kind { MSG_NIL, MSG_UINT, MSG_BIN, MSG_STR, MSG_LIST };

struct msg_field {
    enum msg_kind kind;
    uint64_t u;                    /* UINT */
    const uint8_t *p;              /* BIN, STR (not terminated) */
    size_t len;                    /* BIN, STR: bytes; LIST: items */
    const struct msg_field *items; /* LIST; a row is a LIST in a LIST */
};

enum msg_from { MSG_FROM_CLIENT, MSG_FROM_RELAY };

struct msg {
    uint8_t type; /* enum msg_type */
    uint32_t req; /* 0: a push */
    unsigned n;
    struct msg_field f[MSG_FIELDS_MAX];
    const struct msg_spec *spec;
    void *mem; /* private: what LIST fields point into */
};

/*
 * Decode one whole message that came FROM that side.  Borrows BYTES until
 * msg_clear(M): BIN and STR fields point into them.  When it gives ERR_OK,
 * every field has its kind and lies within its limits, so nobody checks them
 * again.  ERR_MALFORMED: not a message of that side (unknown type, too); end
 * the session with BYE_PROTOCOL.  ERR_NOMEM.  M is untouched on failure.
 */
enum err msg_decode(struct msg *m, enum msg_from from, const void *bytes,
                    size_t len);
/* Frees what decode made; zeroes M.  Also on zeroed memory, and again. */
void msg_clear(struct msg *m);

/*
 * Append the message to OUT.  Fields are borrowed for the call.  A wrong count,
 * kind or limit is our own mistake: ERR_MALFORMED, so that it ends a session
 * and not a relay.  ERR_TOOBIG when the whole is above LIMIT_MSG_LEN,
 * ERR_NOMEM; OUT is then as before (or failed).
 * Pages (EVENTS, DIR, JOINS): stop adding rows when the sum of their bytes plus
 * LIMIT_PAGE_ROW_COST each would pass LIMIT_PAGE_BYTES, and it always fits.
 */
enum err msg_encode(struct buf *out, enum msg_from from, enum msg_type type,
                    uint32_t req, const struct msg_field *f, unsigned n);

struct msg_field msg_nil(void);
struct msg_field msg_u(uint64_t v);
struct msg_field msg_bin(const void *p, size_t len);
struct msg_field msg_str(const char *text);
struct msg_field msg_list(const struct msg_field *items, size_t n);

/* Copies a BIN field of exactly LEN bytes (ids, digests); asserts both. */
void msg_copy(void *dst, const struct msg_field *f, size_t len);

/* ERROR, whole: DETAIL may be NULL, is cut to 400 bytes at a character. */
enum err msg_encode_error(struct buf *out, uint32_t req, uint16_t perr,
                          uint32_t retry_ms, const char *detail);

/* ---- the table ---- */

struct msg_field_spec {
    const char *name;
    enum msg_kind kind;
    bool nil_ok;
    uint64_t min, max; /* UINT: value; BIN, STR: bytes; LIST: items */
    uint32_t step;     /* BIN: length is a multiple of it; 0 and 1: any */
    /* LIST: what an item is.  ITEM_N 0: one plain value of *ITEM;
     * else a row of exactly ITEM_N fields. */
    const struct msg_field_spec *item;
    unsigned item_n;
};

/* What req must be. */
enum msg_turn {
    MSG_ASKS,    /* 1..MSG_REQ_MAX, chosen by the asker */
    MSG_ANSWERS, /* that of the question */
    MSG_PUSHES,  /* 0 */
    MSG_EITHER   /* an answer, or 0 as a push */
};

/* Who may ask: bit c is agency class c (PROTOCOL.md section 12.1), bit 0 a
 * stranger over NK. */
enum {
    MAY_STRANGER = 1 << 0,
    MAY_REGISTRAR = 1 << 5,
    MAY_AUDITOR = 1 << 4,
    MAY_SEND = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5, /* all but auditors */
    MAY_MEMBER = MAY_SEND | MAY_AUDITOR
};

struct msg_spec {
    uint8_t type;
    const char *name;
    enum msg_from from;
    enum msg_turn turn;
    uint8_t may;    /* MAY_ bits; 0 in what the relay sends */
    uint8_t answer; /* type of the answer; 0: none */
    unsigned n;
    const struct msg_field_spec *f;
};

/* The row of (FROM, TYPE), or NULL. */
const struct msg_spec *msg_spec_of(enum msg_from from, unsigned type);
/* The I-th row of the whole table, or NULL behind the last. */
const struct msg_spec *msg_spec_at(unsigned i);

/* ---- what ERROR says ---- */

/* X(name, number, stable name, may a retry of the same request help?,
 *   one sentence, what to do) */
#define PERR_TABLE(X)                                                          \
    X(PERR_MALFORMED, 1, "E-MALFORMED", false,                                 \
      "The request is not formed as the protocol says.",                       \
      "Update the program; if it is the newest, report this as a fault.")      \
    X(PERR_TOOBIG, 2, "E-TOOBIG", false,                                       \
      "The request is larger than the relay allows.",                          \
      "Send less in one packet, or use attachments.")                          \
    X(PERR_VERSION, 3, "E-VERSION", false,                                     \
      "The relay does not know this version or suite.",                        \
      "Update the older of the two programs.")                                 \
    X(PERR_DENIED, 4, "E-DENIED", false,                                       \
      "The class or role of this agency does not allow that.",                 \
      "Ask the registrar if the class of the agency is wrong.")                \
    X(PERR_SLOT, 5, "E-SLOT", false,                                           \
      "Devices or keys of the recipient changed since the packet was sealed.", \
      "Fetch the directory and prekeys, and seal again under a new id.")       \
    X(PERR_MAILBOX, 6, "E-MAILBOX", false,                                     \
      "The mailbox is not known or is closed.",                                \
      "Fetch the directory and choose another mailbox of the agency.")         \
    X(PERR_SUSPENDED, 7, "E-SUSPENDED", false,                                 \
      "The recipient's agency is suspended.",                                  \
      "Refer elsewhere, or ask the registrar.")                                \
    X(PERR_SENDER, 8, "E-SENDER", false,                                       \
      "The sender is suspended or this device is revoked.",                    \
      "Ask the registrar or your own administrator.")                          \
    X(PERR_QUOTA, 9, "E-QUOTA", true, "A quota of the agency is used up.",     \
      "Wait until waiting packets are fetched, or ask the relay's operator.")  \
    X(PERR_DISK, 10, "E-DISK", true, "The relay has no room left.",            \
      "Nothing: the program tries again by itself.")                           \
    X(PERR_BUSY, 11, "E-BUSY", true, "The relay has too much to do.",          \
      "Nothing: the program tries again by itself.")                           \
    X(PERR_EXPIRY, 12, "E-EXPIRY", false,                                      \
      "The packet's last day lies in the past or too far in the future.",      \
      "Check this machine's clock, and seal again.")                           \
    X(PERR_BLOB, 13, "E-BLOB", false,                                          \
      "An attachment is missing, incomplete or not the one announced.",        \
      "Upload the attachment again.")                                          \
    X(PERR_CONFLICT, 14, "E-CONFLICT", false,                                  \
      "The relay has other bytes under the same name.",                        \
      "Report this as a fault: names are random and never used twice.")        \
    X(PERR_NOTFOUND, 15, "E-NOTFOUND", false,                                  \
      "The relay has nothing of that name for this agency.",                   \
      "Check the name; it may have expired.")                                  \
    X(PERR_FINAL, 16, "E-FINAL", false,                                        \
      "The packet has already reached its end.",                               \
      "Look at the packet's events: they say how it ended.")                   \
    X(PERR_ERASED, 17, "E-ERASED", false,                                      \
      "The opening was erased after the retention time.",                      \
      "Use the receipt kept when the packet was sent.")                        \
    X(PERR_INVITE, 18, "E-INVITE", false,                                      \
      "The invitation is not known, expired or used by somebody else.",        \
      "Ask the registrar for a new invitation.")                               \
    X(PERR_STMT, 19, "E-STMT", false,                                          \
      "The statement's chain, authority or signature is not right.",           \
      "Fetch the directory and make the statement again.")                     \
    X(PERR_RATE, 20, "E-RATE", true, "Too many requests in a short time.",     \
      "Wait a minute.")                                                        \
    X(PERR_SIZE, 21, "E-SIZE", false,                                          \
      "The size is not one that correct padding gives.",                       \
      "Update the program; if it is the newest, report this as a fault.")      \
    X(PERR_ORIGIN, 22, "E-ORIGIN", false,                                      \
      "The log of this relay has a name or key that no policy announced.",     \
      "Stop, and ask the registrar by phone.")                                 \
    X(PERR_INTERNAL, 23, "E-INTERNAL", true,                                   \
      "The relay met a fault of its own.",                                     \
      "The program tries again; tell the relay's operator if it lasts.")       \
    X(PERR_EVIDENCE, 24, "E-EVIDENCE", false,                                  \
      "The receipt or withdrawal does not verify.",                            \
      "Update the program; if it is the newest, report this as a fault.")

enum perr {
    PERR_NONE = 0,
#define PERR_ENUM(name, number, text, retry, what, todo) name = number,
    PERR_TABLE(PERR_ENUM)
#undef PERR_ENUM
        PERR_END
};

struct perr_row {
    uint16_t number;
    const char *name; /* "E-SLOT": stable, shown to people and in JSON */
    bool is_retryable;
    const char *what; /* one sentence */
    const char *todo; /* one sentence */
};

/* Never NULL: an unknown number gives the row of number 0, "E-UNKNOWN". */
const struct perr_row *perr_row(unsigned number);

/* ---- what a bye record says ---- */

#define BYE_TABLE(X)                                                           \
    X(BYE_SUPERSEDED, 1, "superseded", "a newer session took the mailbox")     \
    X(BYE_IDLE, 2, "idle", "nothing was heard for too long")                   \
    X(BYE_PROTOCOL, 3, "protocol error", "the other side broke the protocol")  \
    X(BYE_AUTHORITY, 4, "no longer authorised",                                \
      "the device or its agency lost its authority")                           \
    X(BYE_STOPPING, 5, "relay stopping", "the relay is being stopped")         \
    X(BYE_REKEY, 6, "time for a new handshake",                                \
      "the session is as old as it may be")

enum bye {
#define BYE_ENUM(name, number, text, what) name = number,
    BYE_TABLE(BYE_ENUM)
#undef BYE_ENUM
        BYE_END
};

/* "superseded" and the sentence; "unknown" for numbers not in the table. */
const char *bye_name(unsigned code);
const char *bye_text(unsigned code);

#endif
