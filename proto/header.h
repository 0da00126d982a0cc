/*
 * header.h - HDR and WRAP, what relay and recipients see of a packet
 * (PROTOCOL.md section 8.1):
 *
 *   "SPP1" | u8 suite | u8 class | u16 n_slots | packet_id | mailbox
 *   | u64 not_after | u64 body_len | u16 n_att
 *   | n_slots x (device || prekey), strictly ascending by device
 *   | n_att x (att_id || u64 ct_len || D), strictly ascending by att_id
 *
 * Digests are over received bytes.  Knows no keys and opens nothing.
 */
#ifndef SEALPOST_PROTO_HEADER_H
#define SEALPOST_PROTO_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/ids.h"
#include "proto/limits.h"

enum {
    PACKET_SUITE = 0x02,
    HEADER_SLOTS_MAX = LIMIT_SLOTS,
    HEADER_ATTS_MAX = LIMIT_ATTS,
    HEADER_FIXED_LEN = 58,
    HEADER_SLOT_LEN = 32,
    HEADER_ATT_LEN = 56,
    HEADER_LEN_MIN = LIMIT_HDR_MIN,
    HEADER_LEN_MAX = LIMIT_HDR,
    WRAP_LEN = LIMIT_WRAP, /* HPKE enc || sealed content key */
    HEADER_NOT_AFTER_STEP_S = 3600,
};

enum packet_class { PACKET_ROUTINE = 0, PACKET_URGENT = 1 };

struct header_slot {
    struct device_id device;
    struct prekey_id prekey;
};

struct header_att {
    struct att_id id;
    uint64_t ct_len;    /* of the stored blob */
    struct hash digest; /* D(blob) */
};

/* A plain value of about 15 KiB, without memory of its own. */
struct header {
    uint8_t suite;
    uint8_t class; /* enum packet_class */
    struct packet_id packet;
    struct mailbox_id mailbox; /* recipient */
    uint64_t not_after;        /* seconds, multiple of 3600 */
    uint64_t body_len;
    size_t n_slots;
    size_t n_atts;
    struct header_slot slots[HEADER_SLOTS_MAX];
    struct header_att atts[HEADER_ATTS_MAX];
};

/* Exactly 58 + 32 n_slots + 56 n_atts. */
size_t header_len(size_t n_slots, size_t n_atts);

/*
 * Strict, over all of LEN: counts within limits, lists strictly ascending,
 * class known, not_after a multiple of 3600, body_len and each ct_len a padded
 * length.  ERR_VERSION for another magic or suite, else ERR_MALFORMED.
 */
enum err header_parse(struct header *out, const void *bytes, size_t len);
/* Appends HDR.  ERR_MALFORMED for what header_parse would refuse. */
enum err header_encode(struct buf *out, const struct header *h);

/* The slot of DEVICE, or -1. */
int header_slot_of(const struct header *h, const struct device_id *device);

/*
 * What the relay asks of a SEND before it looks anything up: HDR parses, there
 * is one wrap a slot, and the body is as long as HDR says.  Errors of
 * header_parse, or ERR_MALFORMED.  *OUT is written on success only.
 */
enum err packet_check_shape(struct header *out, const void *hdr, size_t hdr_len,
                            size_t wraps_len, size_t body_len);

/* hh = SHA-256("sealpost/1/hdr\0" || HDR). */
void header_hash(struct hash *hh, const void *hdr, size_t len);
/* SHA-256 of each of N wraps (N * WRAP_LEN bytes); OUT has room for N. */
void wraps_hash_each(struct hash *out, const uint8_t *wraps, size_t n);
/* wh from those hashes, 32 bytes each (what DELIVER carries). */
void wraps_hash(struct hash *wh, const uint8_t *hashes, size_t n);
/* SHA-256("sealpost/1/pkt\0" || hh || wh || D(BODY)). */
void packet_digest(struct hash *out, const struct hash *hh,
                   const struct hash *wh, const struct hash *body_digest);
/* All of it over whole buffers; N wraps. */
void packet_digest_of(struct hash *out, const void *hdr, size_t hdr_len,
                      const uint8_t *wraps, size_t n, const void *body,
                      size_t body_len);

#endif
