/*
 * envelope.h - what stays of a packet's sealed form for as long as the packet
 * is here: its header, a hash for each wrap, the digest of its body.  With it
 * the packet's digest can be computed again, so that receipts and signatures
 * are evidence of *this* packet after the sealed bytes are gone.  A few
 * hundred bytes a packet (HDR, and 32 for each slot).
 */
#ifndef SEALPOST_CLIENT_ENVELOPE_H
#define SEALPOST_CLIENT_ENVELOPE_H

#include "client/mail.h"
#include "proto/crypto.h"

/* (T) HASHES is one of 32 bytes for each slot. */
void envelope_put(struct app *app, const struct mail *m, struct span hdr,
                  struct span hashes, const struct hash *body);
/* Appends HDR, and the hashes with the body's digest behind them.  What an
 * older sealpost did not keep is made from the sealed bytes while they are
 * here.  ERR_NOTFOUND without a problem. */
enum err envelope_load(struct app *app, const struct mail *m, struct buf *hdr,
                       struct buf *seal, struct problem *pb);

#endif
