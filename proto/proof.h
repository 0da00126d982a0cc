/*
 * proof.h - proof files (c2sp.org/tlog-proof) and receipts: a proof file whose
 * `extra` is the opening, so that one file shows, offline and for ever, that
 * this packet was stored or handed over at this time by this relay.
 */
#ifndef SEALPOST_PROTO_PROOF_H
#define SEALPOST_PROTO_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/event.h"
#include "proto/ids.h"
#include "proto/merkle.h"
#include "proto/note.h"

enum {
    PROOF_EXTRA_MAX = 1024, /* bytes before base64; ours is OPENING_LEN */
    /* Longest receipt we make: path of 64 and a checkpoint without witnesses.
     */
    RECEIPT_LEN_MAX = 4096,
};

struct proof {
    bool has_extra;
    uint8_t extra[PROOF_EXTRA_MAX];
    size_t extra_len;
    uint64_t index;
    struct hash path[MERKLE_PATH_MAX];
    size_t n;
    const uint8_t *note; /* the checkpoint; borrowed from what was parsed */
    size_t note_len;
};

/* Appends the file.  NOTE ends in a line feed. */
enum err proof_format(const struct proof *proof, struct buf *out);
/* Only what proof_format would write is accepted (one form, one meaning). */
enum err proof_parse(const void *bytes, size_t len, struct proof *out);
/* Was this a proof file once, as far as its first line tells?  A byte of it may
 * have been changed, or the rest been cut off. */
bool proof_resembles(const void *bytes, size_t len);
/* LOG signed the checkpoint and LEAF is at the proof's index in it.  HEAD
 * (may be NULL) is that checkpoint; NOTE (may be NULL) tells which of the
 * WITNESSES cosigned it.  ERR_MALFORMED or ERR_VERIFY. */
enum err proof_verify(const struct proof *proof, const struct hash *leaf,
                      const struct vkey *log, const struct vkey *witnesses,
                      size_t n_witnesses, struct head *head, struct note *note);

/*
 * The receipt of one event: appends the same bytes for the same arguments, so
 * a store that keeps (index, head, opening) can rebuild the first form.
 */
enum err receipt_format(const uint8_t opening[OPENING_LEN], uint64_t index,
                        const struct hash *path, size_t n,
                        const struct head *head, const struct vkey *log,
                        struct buf *out);

struct receipt {
    uint8_t opening[OPENING_LEN];
    struct event event;
    uint64_t index;
    struct head head;
};
/* Checks signature, inclusion and opening.  ERR_MALFORMED or ERR_VERIFY. */
enum err receipt_verify(const void *bytes, size_t len, const struct vkey *log,
                        struct receipt *out);

#endif
