/*
 * receipt.h - what a device signs about a packet: RCPT when it came to one,
 * WDRW to take one back (PROTOCOL.md section 10).  The relay verifies both
 * before logging and keeps them as evidence.  Not to be confused with the
 * relay's own receipt, which is a proof file (proof.h).
 */
#ifndef SEALPOST_PROTO_RECEIPT_H
#define SEALPOST_PROTO_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "proto/note.h"

enum { RCPT_LEN = 332, WDRW_LEN = 170 };

enum rcpt_outcome {
    OUTCOME_OPENED = 1,
    OUTCOME_QUARANTINED = 2, /* decrypted, kept apart, shown with a warning */
    OUTCOME_CANNOT_OPEN = 3,
    OUTCOME_GONE = 4, /* the prekey's seed is known to be destroyed */
};

/*
 * Reasons the relay may see: of delivery only, never of the case.  One table
 * for RCPT, WDRW and the events made from them.  number, symbol, name, may
 * stand in RCPT, may stand in WDRW (neither: said by the relay itself).
 */
#define DELIVERY_REASONS(X)                                                    \
    X(0, NONE, "none", true, true)                                             \
    X(1, UNDECRYPTABLE, "undecryptable", true, false)                          \
    X(2, MALFORMED, "malformed", true, false)                                  \
    X(3, WRONG_MAILBOX, "wrong_mailbox", true, true)                           \
    X(4, CLOSED, "closed", true, false)                                        \
    X(5, POLICY, "policy", true, true)                                         \
    X(6, REPLACED, "replaced", false, true)                                    \
    X(7, SENT_IN_ERROR, "sent_in_error", false, true)                          \
    X(16, NO_LIVE_DEVICE, "no_live_device", false, false)

enum delivery_reason {
#define DELIVERY_REASON_ENUM(number, symbol, name, in_rcpt, in_wdrw)           \
    REASON_##symbol = number,
    DELIVERY_REASONS(DELIVERY_REASON_ENUM)
#undef DELIVERY_REASON_ENUM
};

/* "opened", "undecryptable"; NULL for an unknown number. */
const char *outcome_name(unsigned outcome);
const char *delivery_reason_name(unsigned reason);
bool delivery_reason_in_rcpt(unsigned reason);
bool delivery_reason_in_wdrw(unsigned reason);
/* ERR_NOTFOUND. */
enum err delivery_reason_by_name(const char *name, uint16_t *out);

struct rcpt {
    uint8_t outcome; /* enum rcpt_outcome */
    uint16_t reason; /* enum delivery_reason; NONE exactly when opened */
    struct packet_id packet;
    struct hash pkt_digest;
    struct agency_id agency; /* of the device that signs */
    struct device_id device;
    struct prekey_id prekey; /* of its slot */
    struct hash opened;      /* inner_opened(), zero if unread */
    uint64_t time_ms;
    uint64_t stored_index; /* of the packet's stored event */
    struct head dlv;       /* newest delivery head the device knows */
    struct sig sig;        /* set by parsing */
};

struct wdrw {
    uint16_t reason;
    struct packet_id packet;
    struct hash pkt_digest;
    struct agency_id sender;
    struct device_id device;
    uint64_t time_ms;
    struct sig sig;
};

/* ERR_MALFORMED for an outcome or reason that may not stand there. */
enum err rcpt_sign(uint8_t out[RCPT_LEN], const struct rcpt *r,
                   const struct sign_secret *key);
enum err wdrw_sign(uint8_t out[WDRW_LEN], const struct wdrw *w,
                   const struct sign_secret *key);

/* Exact length and values, else ERR_MALFORMED; says nothing of the signature,
 * whose key the caller looks up by device. */
enum err rcpt_parse(struct rcpt *out, const void *bytes, size_t len);
enum err wdrw_parse(struct wdrw *out, const void *bytes, size_t len);

/* BYTES that parsed; ERR_VERIFY. */
enum err rcpt_verify(const uint8_t bytes[RCPT_LEN], const struct sign_key *key);
enum err wdrw_verify(const uint8_t bytes[WDRW_LEN], const struct sign_key *key);

/* What events name: SHA-256 of RCPT, WDRW or a statement, all bytes. */
void evidence_hash(struct hash *out, const void *bytes, size_t len);

/* Can this statement take the last device away from a packet for RECIPIENT at
 * TIME_MS?  Gives whom it ends to *DEVICE: a revocation, or DEVICE whose time
 * is over; zero for MAILBOX of RECIPIENT. */
bool statement_ends_device(struct span statement,
                           const struct mailbox_id *recipient, uint64_t time_ms,
                           struct device_id *device);

#endif
