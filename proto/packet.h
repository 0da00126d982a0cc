/*
 * packet.h - sealing a packet and opening one (PROTOCOL.md sections 8, 9).
 * Header, content and padding have files of their own; here they are put
 * together. Knows no directory, no vault and no clock: what they say is passed
 * in.
 *
 * Sending to N mailboxes is N calls with the same parts (blinds included) and
 * attachments: the packets then share commitments and blobs.
 */
#ifndef SEALPOST_PROTO_PACKET_H
#define SEALPOST_PROTO_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/event.h"
#include "proto/header.h"
#include "proto/ids.h"
#include "proto/inner.h"
#include "proto/limits.h"
#include "proto/receipt.h"

/* 30 days and an hour between created and not_after; a claimed creation may
 * lie 48 hours ahead of the reader's clock. */
enum {
    PACKET_LIFE_MAX_S = (int)LIMIT_PACKET_LIFE_S,
    PACKET_AHEAD_MAX_S = LIMIT_AHEAD_H * 3600,
};

/* ---- sealing ---- */

struct packet_recipient {
    struct device_id device;
    struct prekey_id prekey;
    struct kem_key key;
};

struct packet_att {
    struct inner_att att; /* key and part; the key is secret */
    struct hash digest;   /* D(blob) */
};

/* Everything is borrowed during packet_seal.  Lists come in any order and are
 * sorted there.  Randomness that must be the same in several packets (ids,
 * blinds, attachment keys) is made by the caller. */
struct packet_draft {
    struct packet_id packet; /* random, new for every packet */
    struct mailbox_id mailbox;
    uint8_t class;      /* enum packet_class */
    uint64_t not_after; /* seconds, multiple of 3600 */
    uint8_t type;       /* enum packet_type */
    struct agency_id sender;
    struct device_id device;
    const struct sign_secret *key; /* of DEVICE */
    uint64_t created_ms;
    struct head dir; /* newest heads known, zero if none */
    struct head dlv;
    struct packet_id in_reply_to;
    /* A part that is here: bytes and blind, commit is computed; else commit. */
    const struct inner_part *parts;
    size_t n_parts;
    const struct packet_att *atts;
    size_t n_atts;
    const struct packet_recipient *recipients;
    size_t n_recipients;
};

/* Zero-initialise; packet_clear frees. */
struct sealed_packet {
    struct buf hdr;
    struct buf wraps; /* n_slots x WRAP_LEN */
    struct buf body;
    struct hash pkt_digest;
    struct hash opened; /* what the receipts will have to say */
};
void packet_clear(struct sealed_packet *p);

/*
 * Seals to all recipients under a new random content key, dropped after.
 * *BAD (may be NULL) is the index of the recipient whose prekey is invalid
 * when ERR_VERIFY is given.  ERR_MALFORMED: counts, doubles, or fields outside
 * what a reader accepts; ERR_TOOBIG: INNER above its limit; ERR_NOMEM.
 */
enum err packet_seal(struct sealed_packet *out, const struct packet_draft *d,
                     size_t *bad);

/* The info of the HPKE wrap in SLOT and the context of the body. */
enum { WRAP_INFO_LEN = 16 + 32 + 2, BODY_CONTEXT_LEN = 16 + 32 };
void packet_wrap_info(uint8_t out[WRAP_INFO_LEN], const struct hash *hh,
                      uint16_t slot);
void packet_body_context(uint8_t out[BODY_CONTEXT_LEN], const struct hash *hh);

/* ---- opening ---- */

/* The verdicts 1-4 are the outcomes of a receipt; an alarm sends none. */
enum verdict {
    VERDICT_ALARM = 0, /* the relay delivered what it must not: step 1 */
    VERDICT_OPENED = OUTCOME_OPENED,
    VERDICT_QUARANTINED = OUTCOME_QUARANTINED, /* steps 5-7 */
    VERDICT_CANNOT_OPEN = OUTCOME_CANNOT_OPEN, /* steps 2-4, not told apart */
    VERDICT_GONE = OUTCOME_GONE,
};

/* Why, for the reader's eyes: stays on this machine.  number, symbol, step,
 * reason in the receipt, text. */
#define PACKET_CAUSES(X)                                                       \
    X(NONE, 0, NONE, "nothing wrong")                                          \
    X(SHAPE, 1, NONE, "header, wraps or body are not of the promised form")    \
    X(SLOT, 1, NONE, "not addressed to this device")                           \
    X(PROOF, 1, NONE, "the relay's proof does not verify")                     \
    X(OTHER_PACKET, 1, NONE, "the relay's proof is about other bytes")         \
    X(OTHER_MAILBOX, 1, NONE, "delivered to a mailbox that is not ours")       \
    X(UNDECRYPTABLE, 2, UNDECRYPTABLE, "cannot be opened with our keys")       \
    X(CONTENT, 5, MALFORMED, "content is not of the expected form")            \
    X(VERSION, 5, MALFORMED, "content of a newer version")                     \
    X(COMMITMENT, 5, MALFORMED, "a part is not what its commitment says")      \
    X(HEAD, 5, POLICY, "names a directory head the relay never signed")        \
    X(SENDER, 5, POLICY, "the sending device was not live in its agency")      \
    X(SUSPENDED, 5, POLICY, "the sending agency was suspended")                \
    X(OTHER_SENDER, 5, POLICY, "stored by another agency than it claims")      \
    X(REVOKED, 5, POLICY, "the sending device is revoked since before")        \
    X(SIGNATURE, 6, POLICY, "the sender's signature is wrong")                 \
    X(TYPE, 7, POLICY, "this kind of agency may not send this type")           \
    X(AHEAD, 7, POLICY, "claims to be made in the future")                     \
    X(LIFE, 7, POLICY, "lives longer than allowed")                            \
    X(REPLAY, 8, POLICY, "seen before with other bytes or keys")

enum packet_cause {
#define PACKET_CAUSE_ENUM(symbol, step, reason, text) CAUSE_##symbol,
    PACKET_CAUSES(PACKET_CAUSE_ENUM)
#undef PACKET_CAUSE_ENUM
        CAUSE_COUNT
};
const char *packet_cause_text(enum packet_cause cause);
/* The delivery reason that a receipt gives for it. */
enum delivery_reason packet_cause_reason(enum packet_cause cause);

/* What DELIVER brought; borrowed. */
struct arrival {
    struct agency_id sender; /* as the relay says */
    const uint8_t *hdr;
    size_t hdr_len;
    unsigned slot;
    const uint8_t *wrap; /* of that slot */
    size_t wrap_len;
    const uint8_t *wrap_hashes; /* 32 bytes a slot */
    size_t wrap_hashes_len;
    const uint8_t *body;
    size_t body_len;
    /* The stored event of the enclosed proof once the caller has verified it
     * (receipt_verify); NULL when it does not verify. */
    const struct event *stored;
};

/* What the reader's directory says about the claimed sender; the caller fills
 * it in for (sender, device) at the size of the head in INNER. */
struct sender_facts {
    bool head_is_good;      /* verifies, and our directory extends it */
    bool was_live;          /* device known, of this agency, live there */
    bool was_suspended;     /* the agency, there */
    bool is_revoked;        /* by now */
    uint64_t revoked_since; /* seconds */
    uint8_t agency_class;   /* 1..5, there */
    struct sign_key key;    /* of the device */
};

/* The reader.  Callbacks may give errors of their own (no memory, directory
 * behind: sync first), which packet_open passes on without a verdict. */
struct packet_opener {
    struct device_id device;
    struct mailbox_id mailbox; /* the one DELIVER came to */
    uint64_t now_ms;
    void *arg;
    /* ERR_NOTFOUND: no such prekey; ERR_EXPIRED: its seed was destroyed. */
    enum err (*seed)(void *arg, const struct prekey_id *id, uint8_t seed[32]);
    /* An unknown device or agency is not an error: facts with was_live false.
     * A head none of ours (ERR_OK, head_is_good false) neither. */
    enum err (*sender)(void *arg, const struct inner *in,
                       struct sender_facts *out);
};

/* Zero-initialise; opened_clear wipes and frees.  Which fields are filled in
 * depends on how far it came: HDR and digest after step 1, the content when it
 * decrypted and parsed (INNER_IS_READ), text in any case after step 4. */
struct opened {
    enum verdict verdict;
    enum packet_cause cause;
    struct header hdr;
    struct hash hh;
    struct hash pkt_digest;
    struct prekey_id prekey; /* of the own slot */
    struct buf text;         /* padded INNER; IN borrows it */
    size_t inner_at;         /* INNER inside TEXT */
    size_t inner_len;
    bool inner_is_read;
    struct inner in;
    struct hash opened; /* for the receipt; zero if unread */
    struct sender_facts facts;
};
void opened_clear(struct opened *o);

/*
 * Steps 1-4, 5 with the facts given, 6 and 7, in this order, to the first that
 * fails.  Steps 0 and 8-10 (seen before, vault, receipt) are the caller's.
 * ERR_OK with a verdict, whatever the packet is; another error only when we
 * could not find out (memory, callbacks).
 */
enum err packet_open(struct opened *out, const struct arrival *a,
                     const struct packet_opener *reader);
/* Step 1 alone, without keys: HDR, digest, prekey, or VERDICT_ALARM.  A
 * device calls it to learn (packet_id, pkt_digest) for step 0.  The verdict is
 * VERDICT_OPENED when all is well. */
enum verdict packet_check_arrival(struct opened *out, const struct arrival *a,
                                  const struct device_id *device,
                                  const struct mailbox_id *mailbox);

/* The receipt's fields that follow from O; the rest (agency, device, time,
 * index, head) is the caller's.  ERR_STATE for an alarm. */
enum err opened_to_rcpt(const struct opened *o, struct rcpt *out);

#endif
