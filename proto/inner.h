/*
 * inner.h - INNER, the signed content inside a packet's body (PROTOCOL.md
 * section 8.4): fixed fields, parts each behind a commitment of its own, keys
 * of attachments, and the sender device's signature over the header hash and
 * the three lists.  Knows no encryption and no padding; parts are opaque bytes.
 *
 * A struct inner borrows the bytes of its parts: from the caller when it is
 * made, from the INNER bytes when it was parsed.  It holds attachment keys and
 * blinds: inner_clear() wipes it.
 */
#ifndef SEALPOST_PROTO_INNER_H
#define SEALPOST_PROTO_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/header.h"
#include "proto/ids.h"
#include "proto/note.h"

enum {
    INNER_VERSION = 1,
    INNER_FIXED_LEN = 266,
    INNER_PARTS_MAX = 16,
    INNER_PART_META = 0, /* number of the part that is always here */
    INNER_LEN_MAX = (1 << 20) - 4,
    PART_BLIND_LEN = 32,
};

/* One part.  Not here: BYTES, LEN and BLIND mean nothing, COMMIT stands for
 * an original that this reader is not entitled to. */
struct inner_part {
    uint8_t number; /* 0 = meta; strictly ascending in a packet */
    bool here;
    struct hash commit;
    uint8_t blind[PART_BLIND_LEN];
    const uint8_t *bytes; /* borrowed */
    size_t len;
};

struct inner_att {
    struct att_id id;   /* the same ids and order as in HDR */
    uint8_t part;       /* a part that is here */
    uint64_t plain_len; /* of the file, <= 2^36 */
    uint8_t key[32];    /* secret */
};

struct inner {
    uint8_t type; /* enum packet_type; any number parses */
    struct agency_id sender;
    struct device_id device;
    uint64_t created_ms;
    struct head dir; /* newest heads the sender knew; zero if none */
    struct head dlv;
    struct packet_id in_reply_to; /* zero: none */
    size_t n_parts;
    size_t n_atts;
    struct inner_part parts[INNER_PARTS_MAX];
    struct inner_att atts[HEADER_ATTS_MAX];
    struct sig sig; /* of a parsed or sealed one */
};

void inner_clear(struct inner *in);

/* commit = SHA-256("sealpost/1/part\0" || part || blind || bytes).  The same
 * number, blind and bytes give the same commitment in every packet. */
void inner_part_commit(struct hash *out, uint8_t number,
                       const uint8_t blind[PART_BLIND_LEN], const void *bytes,
                       size_t len);

/* Length that INNER will have.  ERR_MALFORMED, ERR_TOOBIG as inner_sign. */
enum err inner_measure(const struct inner *in, size_t *len);
/*
 * Appends INNER with its signature.  Commitments of parts that are here are
 * computed and stored in IN, as is the signature.  ERR_MALFORMED for what
 * inner_parse would refuse, ERR_TOOBIG above INNER_LEN_MAX, ERR_NOMEM; OUT is
 * as before then.
 */
enum err inner_sign(struct buf *out, struct inner *in, const struct hash *hh,
                    const struct sign_secret *key);

/*
 * Strict over all of LEN; *OUT borrows BYTES.  ERR_VERSION for another version
 * byte; ERR_VERIFY when a part is not what its commitment says;
 * ERR_TOOBIG; ERR_MALFORMED.  Says nothing of the signature.
 */
enum err inner_parse(struct inner *out, const uint8_t *bytes, size_t len);
/* The signature over BYTES (which inner_parse accepted) and the header hash.
 * ERR_VERIFY, ERR_NOMEM. */
enum err inner_verify(const uint8_t *bytes, size_t len, const struct hash *hh,
                      const struct sign_key *key);

/*
 * The signed lists alone: what shows who signed what, without any part's bytes
 * or attachment's key (PROTOCOL.md section 14.10).
 *
 *   fixed(266) | u8 n | n x (number, here, commit) | u16 n
 *   | n x (att_id, part, plain_len) | sig(64)
 *
 * Appends those of BYTES, which inner_parse accepted.  ERR_MALFORMED,
 * ERR_NOMEM.
 */
enum err inner_lists(struct buf *out, const uint8_t *bytes, size_t len);
enum { INNER_LISTS_MAX = 266 + 1 + 34 * 16 + 2 + 25 * 128 + 64 };
/* Strict, as inner_parse; parts have commitments only, attachments no keys. */
enum err inner_lists_parse(struct inner *out, const void *bytes, size_t len);
/* As inner_verify, over LISTS that inner_lists_parse accepted. */
enum err inner_lists_verify(const void *lists, size_t len,
                            const struct hash *hh, const struct sign_key *key);

/* Same attachment ids in the same order as HDR, and blob lengths that fit. */
bool inner_matches_header(const struct inner *in, const struct header *h);

/* SHA-256("sealpost/1/opened\0" || sig), the word in a receipt. */
void inner_opened(struct hash *out, const struct sig *sig);
/* The part NUMBER, or NULL when the packet does not list it. */
const struct inner_part *inner_part(const struct inner *in, uint8_t number);
const struct inner_att *inner_att(const struct inner *in,
                                  const struct att_id *id);

#endif
