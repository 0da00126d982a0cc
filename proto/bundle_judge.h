/*
 * bundle_judge.h - what an evidence bundle proves, from its bytes and what the
 * reader trusts; pure and offline (PROTOCOL.md section 14.10).
 *
 * What is missing leaves a field empty; what is wrong is a fault of its
 * section, and nothing else of the file counts then.
 */
#ifndef SEALPOST_PROTO_BUNDLE_JUDGE_H
#define SEALPOST_PROTO_BUNDLE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/bundle.h"
#include "proto/bundle_who.h"
#include "proto/event.h"
#include "proto/header.h"
#include "proto/inner.h"
#include "proto/note.h"
#include "proto/trust.h"

/* What the reader holds; all may be NULL, everything is borrowed.  With nothing
 * the bundle is judged by the network that it names itself. */
struct bundle_anchor {
    const struct hash *network_id;
    const struct vkey *log; /* of the delivery log */
    const struct trust *trust;
};

/* Beside the kinds of sections. */
enum { BUNDLE_FILE = 0, BUNDLE_ANCHOR = 64 };

struct bundle_fault {
    unsigned kind; /* enum bundle_kind, BUNDLE_FILE or BUNDLE_ANCHOR */
    bool has_row;  /* ROW: a leaf's or an event's index, a part's number */
    uint64_t row;
    const char *why; /* a constant sentence */
};

/* Who stands behind an event. */
enum bundle_backing {
    BACKING_RELAY,     /* nobody need: the relay's own word */
    BACKING_NONE,      /* somebody must, and the bytes are not here */
    BACKING_UNCHECKED, /* they are, but not the signer's statement */
    BACKING_DEVICE,    /* a device's signature, checked */
    BACKING_STATEMENT, /* a statement of the directory, which is here */
};

/* What a receipt of the outcome `opened` shows. */
enum bundle_opening {
    OPENING_NOT_SAID,
    OPENING_UNCHECKED, /* the sender's signature is not here to compare */
    OPENING_SHOWN,     /* only who decrypted it could say this */
    OPENING_FALSE,     /* it names another signature */
};

/* Where the device of an act stands, by the statements that are here. */
enum bundle_standing {
    STANDING_UNKNOWN, /* no statement of it */
    STANDING_LIVE,
    STANDING_EXPIRED,       /* its time was over */
    STANDING_REVOKED_LATER, /* the act lies before `since` */
    STANDING_REVOKED,       /* it does not */
    STANDING_UNDATED,       /* revoked; the device says that the act lies before
                               `since`, and no receipt here says so too */
};

/* How long ago a head was seen by others. */
struct bundle_witnessed {
    bool is_here; /* a note with lines of others */
    uint64_t size;
    uint64_t verified;      /* bits of the policy's witnesses */
    bool quorum;            /* they are enough for the policy */
    uint64_t quorum_time_s; /* 0: it asks for none, or there is no policy */
    uint64_t time_s[TRUST_WITNESSES_MAX]; /* of each of VERIFIED */
};

struct bundle_fate {
    uint64_t index;
    struct event event;
    uint64_t head_size; /* the log that the receipt is of */
    bool is_lost;       /* by policies that are here, the log goes on without
                           it: the relay was restored (section 14.9) */
    enum bundle_backing backing;
    uint64_t signed_ms; /* DEVICE: when, by its own clock */
    uint8_t outcome;    /* of a RCPT, enum rcpt_outcome */
    enum bundle_opening opening;
    enum bundle_standing standing; /* of the actor */
    struct bundle_witnessed witnessed;
};

/* Zero-initialise; bundle_proven_clear frees. */
struct bundle_proven {
    bool has_directory;
    struct bundle_who who;
    struct head directory; /* of the checkpoint */
    struct bundle_witnessed directory_witnessed;
    struct vkey log; /* that signed the receipts; type 0: no receipt here */

    struct packet_id packet;
    struct mailbox_id mailbox;
    bool has_sender; /* some section says which agency */
    struct agency_id sender;
    bool has_header;
    struct header header;
    bool has_digest;
    struct hash digest; /* from header and seal, or as the receipts say */
    bool digest_is_computed;
    bool has_lists;
    bool is_signed; /* the sender's signature was checked */
    struct inner lists;
    enum bundle_standing standing; /* of the device that signed */
    uint32_t disclosed;            /* bit N: part N is here, as committed */

    struct bundle_fate *fates; /* owned, in log order */
    size_t n_fates;
};
void bundle_proven_clear(struct bundle_proven *p);

/* ERR_OK, ERR_NOMEM, or ERR_VERIFY with *FAULT.  OUT is untouched on failure.
 * Needs crypto_init. */
enum err bundle_judge(const struct bundle *b, const struct bundle_anchor *a,
                      struct bundle_proven *out, struct bundle_fault *fault);

/* The event of TYPE, the one that ended it; NULL: not here. */
const struct bundle_fate *bundle_fate_of(const struct bundle_proven *p,
                                         unsigned type);
const struct bundle_fate *bundle_end(const struct bundle_proven *p);

#endif
