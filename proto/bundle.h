/*
 * bundle.h - the evidence bundle: all that shows the fate of one packet to
 * somebody who has neither key nor content, in one file (PROTOCOL.md section
 * 14.10).  Here are its bytes; what they prove is bundle_judge.h's business.
 *
 *   "sealpost/1/evidence\0" then sections u8 kind | u32 len | bytes(len), in
 *   ascending order, none twice, none of another kind
 *
 * A parsed bundle borrows its bytes; its lists are its own: bundle_clear.
 */
#ifndef SEALPOST_PROTO_BUNDLE_H
#define SEALPOST_PROTO_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "proto/inner.h"
#include "proto/limits.h"
#include "proto/merkle.h"

enum {
    BUNDLE_LEN_MAX = LIMIT_BUNDLE,
    BUNDLE_ROWS_MAX = LIMIT_BUNDLE_ROWS,
    BUNDLE_PROOF_MAX = 16384, /* bytes of one proof file: its note may carry
                                 64 cosignatures */
    BUNDLE_EVIDENCE_MAX = LIMIT_STMT,
};

enum bundle_kind {
    BUNDLE_HEADER = 1,
    BUNDLE_SEAL = 2,      /* a hash a wrap, and D(BODY) */
    BUNDLE_LISTS = 3,     /* inner_lists() */
    BUNDLE_PARTS = 4,     /* what was disclosed */
    BUNDLE_DIRECTORY = 5, /* statements, with their places in the log */
    BUNDLE_EVENTS = 6,    /* receipts of the relay, and who stands behind */
    BUNDLE_COSIGNED = 7,  /* the same receipts under cosigned heads */
    BUNDLE_KINDS
};

struct bundle_part {
    uint8_t number;
    const uint8_t *blind; /* PART_BLIND_LEN */
    struct span bytes;
};
/* One leaf of the directory log, with its path to the checkpoint. */
struct bundle_leaf {
    uint64_t index;
    struct span statement;
    const uint8_t *path; /* N hashes */
    uint8_t n;
};
/* A proof file with its opening; EVIDENCE may be empty. */
struct bundle_receipt {
    struct span proof;
    struct span evidence;
};

/* Zero-initialise.  A span of length 0, or a list without rows: not there. */
struct bundle {
    struct span header;
    struct span seal;
    struct span lists;
    struct bundle_part parts[INNER_PARTS_MAX]; /* ascending by number */
    size_t n_parts;
    struct span checkpoint;
    struct bundle_leaf *leaves; /* owned; ascending by index */
    size_t n_leaves;
    struct bundle_receipt *events; /* owned */
    size_t n_events;
    struct bundle_receipt *cosigned; /* owned; EVIDENCE is empty */
    size_t n_cosigned;
};
void bundle_clear(struct bundle *b);

/* Does a file begin like a bundle?  Cheap: looks at the magic. */
bool bundle_is(const void *bytes, size_t len);
/*
 * Strict: what bundle_format would write, and nothing else.  ERR_MALFORMED and
 * *WHERE (may be NULL) the kind of the section that is wrong, 0 for the file
 * as a whole; ERR_TOOBIG; ERR_NOMEM.
 */
enum err bundle_parse(struct bundle *out, const void *bytes, size_t len,
                      unsigned *where);
/* Appends the file.  ERR_MALFORMED for what bundle_parse would refuse. */
enum err bundle_format(const struct bundle *b, struct buf *out);

/* "header", "seal", ...; "file" for 0. */
const char *bundle_kind_name(unsigned kind);

#endif
