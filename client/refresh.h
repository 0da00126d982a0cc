/*
 * refresh.h - a second proof for a receipt: the same entry, to a head of the
 * log that witnesses have cosigned since (PROTOCOL.md section 14.8).  The
 * receipt itself never changes.
 */
#ifndef SEALPOST_CLIENT_REFRESH_H
#define SEALPOST_CLIENT_REFRESH_H

#include "client/desk.h"
#include "client/mail.h"
#include "proto/trust.h"

/* What came of one receipt. */
struct refreshed {
    uint64_t index, size;
    bool by_policy; /* a policy is in use, and enough of its witnesses cosigned;
                       without one any cosigned head does */
    uint64_t quorum_time_s; /* 0: not known, without a policy */
};

/* Fetches, verifies and keeps the proof for M's receipt; D is connected.
 * ERR_NOTFOUND with P_NOT_FOUND: there is no receipt; ERR_EXPIRED without a
 * problem: no head at or after it has its cosignatures yet. */
enum err refresh_receipt(struct desk *d, const struct mail *m,
                         struct refreshed *out, struct problem *pb);
/* The refreshed proof of M's receipt onto OUT.  ERR_NOTFOUND without a problem:
 * there is none. */
enum err refresh_proof(struct app *app, const struct mail *m, struct buf *out,
                       struct problem *pb);

#endif
