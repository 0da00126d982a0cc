/*
 * era.h - which POLICY's key signed a head, and how much of that log today's
 * holds.  When a log gets a new name or key (PROTOCOL.md section 14.9), what
 * was signed before stays evidence: receipts verify under the key of their
 * time, and heads of that time are prefixes of today's log up to a size.
 *
 * Knows no proofs between heads and no clock.
 */
#ifndef SEALPOST_PROTO_ERA_H
#define SEALPOST_PROTO_ERA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/directory.h"
#include "proto/note.h"
#include "proto/proof.h"

#define ERA_TODAY UINT64_MAX

struct era {
    struct vkey key;
    uint64_t policy; /* leaf of the POLICY that announced the key */
    /* Today's log begins with this era's first END entries; ERA_TODAY: it is
     * the era of the policy in force.  What lies at END and beyond was lost. */
    uint64_t end;
};

/* The eras of LOG (enum log_which), the policy's in force first.
 * ERR_NOTFOUND behind the oldest, or when there is no policy. */
enum err era_nth(const struct directory *dir, unsigned log, size_t i,
                 struct era *out);
/* The era whose key signed HEAD.  ERR_VERIFY: none has. */
enum err era_of_head(const struct directory *dir, unsigned log,
                     const struct head *head, struct era *out);
/* The same of a checkpoint as a note; HEAD may be NULL. */
enum err era_of_note(const struct directory *dir, unsigned log,
                     const void *bytes, size_t len, struct head *head,
                     struct era *out);
/* receipt_verify under the key of its time; ERA may be NULL.  ERR_MALFORMED or
 * ERR_VERIFY. */
enum err era_receipt(const struct directory *dir, const void *bytes, size_t len,
                     struct receipt *out, struct era *era);
/* Does today's log hold entry INDEX of that era? */
bool era_holds(const struct era *era, uint64_t index);
/* What a relay may say of its log today: era_receipt(), and proof_verify() for
 * the delivery log's LEAF, of entries and heads that today's log holds.  What
 * was lost gives ERR_VERIFY. */
enum err era_receipt_held(const struct directory *dir, const void *bytes,
                          size_t len, struct receipt *out);
enum err era_proof_held(const struct directory *dir, const struct proof *proof,
                        const struct hash *leaf);

#endif
