/*
 * succession.h - the relay's log goes on under another name or key (PROTOCOL.md
 * section 14.9): is what the relay shows the log that the registrars' POLICY
 * continues, and what of ours was lost on the way?
 *
 *   proofs:  (old_size, old_root) is a prefix of the relay's head; its entry at
 *            old_size is the POLICY; our own newest head is a prefix too, or
 *            reaches beyond: then what we hold beyond is lost
 *   vault:   in one transaction the lost events move to REC_SUCCESSION, packets
 *            that had not come to an end are queued again, the head is kept
 *
 * REC_SUCCESSION has ids u64 policy leaf || u8 what || 56 bits of an index:
 *   what 0  JSON: the succession itself (index 0)
 *        1  an event that was lost, as REC_EVENT had it
 *        2  the relay's first receipt of a packet that was stored again
 *        3  our first RCPT of a packet that came again
 *        4  a directory leaf that the POLICY cut off, until it is put again
 */
#ifndef SEALPOST_CLIENT_SUCCESSION_H
#define SEALPOST_CLIENT_SUCCESSION_H

#include "client/mail.h"
#include "client/roster.h"
#include "client/upstream.h"
#include "proto/era.h"
#include "proto/header.h"
#include "proto/receipt.h"

enum succession_record {
    SUCCESSION_NOTE = 0,
    SUCCESSION_EVENT = 1,
    SUCCESSION_PROOF = 2,
    SUCCESSION_RCPT = 3,
    SUCCESSION_LEAF = 4,
};
void succession_record_id(uint8_t id[16], uint64_t policy,
                          enum succession_record what, uint64_t index);

/* WAS: the era of our newest delivery head, an earlier one.  THEIRS: the
 * relay's newest, verified under today's key.  P_ORIGIN when it does not
 * continue the old log, P_SPLIT_VIEW when it contradicts our own head. */
enum err succession_follow(struct upstream *u, struct roster *r,
                           const struct era *was, const struct head *theirs,
                           struct problem *pb);

/* Puts directory leaves again that a succession cut off.  What the relay does
 * not take any more is told, and given up. */
enum err succession_put_leaves(struct upstream *u, struct roster *r,
                               struct problem *pb);

/* A sealed packet of ours that goes again waits for the recipient's keys to be
 * put again: E-SLOT is no reason yet to seal it anew.  HDR is its header. */
bool succession_waits(const struct roster *r, const struct mail *m,
                      const struct header *hdr);

/* OURS was given for a packet whose stored event was lost; PROOF (the relay's
 * receipt, verified, of today) says that the same packet is stored again at
 * another place.  What has to be the same besides: section 9, step 0. */
bool succession_calls_for_rcpt(const struct directory *dir,
                               const struct rcpt *ours,
                               const struct receipt *stored);

#endif
